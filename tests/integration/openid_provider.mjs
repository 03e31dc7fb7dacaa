// A real OpenID provider on a port of the kernel's choice, for the tests of single sign-on.
// Reads its accounts and client from the environment as JSON; prints its issuer as the first line.
// People are not asked anything: the account to sign in is `login_hint`, or the one named by ACCOUNT.
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const accounts = JSON.parse(process.env.ACCOUNTS);
const client = JSON.parse(process.env.CLIENT);
const keys = JSON.parse(process.env.KEYS);

const server = createServer();
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [client],
  jwks: { keys },
  enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256"] },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  conformIdTokenClaims: process.env.CLAIMS_IN_ID_TOKEN !== "1",
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
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
    grant.addOIDCScope("openid email profile");
    await grant.save();
    return grant;
  },
});

const answer = provider.callback();
server.on("request", async (request, response) => {
  if (!request.url.startsWith("/interaction/")) return answer(request, response);
  const { params } = await provider.interactionDetails(request, response);
  const result =
    params.login_hint === "refuse"
      ? { error: "access_denied", error_description: "The person said no." }
      : { login: { accountId: params.login_hint ?? process.env.ACCOUNT } };
  return provider.interactionFinished(request, response, result);
});
console.log(issuer);
