// A real OpenID provider for the tests of single sign-on and of policies that take or fetch tokens.
// Reads its accounts, clients and keys from the environment as JSON; prints its issuer as the first line.
// PORT is the kernel's choice unless it is set, so that a provider can come back at the same address.
// PUT /accounts/{subject} changes what the provider says of an account.
// People are not asked anything: the account to sign in is `login_hint`, or the one named by ACCOUNT.
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const accounts = JSON.parse(process.env.ACCOUNTS);
const clients = JSON.parse(process.env.CLIENTS);
const keys = JSON.parse(process.env.KEYS);
const tokenSeconds = Number(process.env.TOKEN_SECONDS ?? 600);

const server = createServer();
await new Promise((resolve) => server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients,
  jwks: { keys },
  enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256"] },
  scopes: ["openid", "offline_access", "orders:read", "orders:write"],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
  conformIdTokenClaims: process.env.CLAIMS_IN_ID_TOKEN !== "1",
  pkce: { required: () => true },
  ttl: { ClientCredentials: tokenSeconds, AccessToken: tokenSeconds },
  issueRefreshToken: async (context, client) => client.grantTypeAllowed("refresh_token"),
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true },
    // A token that is asked for a resource is a signed one (RFC 9068); all others are opaque.
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (context, resource) => ({
        scope: "orders:read orders:write",
        audience: resource,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: keys[0].alg, kid: keys[0].kid } },
      }),
    },
  },
  interactions: { url: (context, interaction) => `/interaction/${interaction.uid}` },
  cookies: { keys: ["only-for-tests"] },
  async findAccount(context, subject) {
    const claims = accounts[subject];
    return claims && { accountId: subject, claims: async () => ({ sub: subject, ...claims }) };
  },
  async loadExistingGrant(context) {
    const grant = new context.oidc.provider.Grant({
      accountId: context.oidc.session.accountId,
      clientId: context.oidc.client.clientId,
    });
    grant.addOIDCScope("openid email profile orders:read");
    await grant.save();
    return grant;
  },
});

const answer = provider.callback();
server.on("request", async (request, response) => {
  if (request.method === "PUT" && request.url.startsWith("/accounts/")) {
    const subject = request.url.slice("/accounts/".length);
    const parts = [];
    for await (const part of request) parts.push(part);
    accounts[subject] = { ...accounts[subject], ...JSON.parse(Buffer.concat(parts)) };
    return response.writeHead(204).end();
  }
  if (!request.url.startsWith("/interaction/")) return answer(request, response);
  const { params } = await provider.interactionDetails(request, response);
  const result =
    params.login_hint === "refuse"
      ? { error: "access_denied", error_description: "The person said no." }
      : { login: { accountId: params.login_hint ?? process.env.ACCOUNT } };
  return provider.interactionFinished(request, response, result);
});
console.log(issuer);
