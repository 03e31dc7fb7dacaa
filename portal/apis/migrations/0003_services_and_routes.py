import django.core.validators
import django.db.models.deletion
import uuid
from django.db import migrations, models

import portal.core.crypto


def keep_what_routes_say(apps, schema_editor):
    """Turn path, methods and service of each route into its rule and its destination."""
    destinations = apps.get_model("apis", "Destination")
    for route in apps.get_model("apis", "Route").objects.all().iterator():
        rule = {name: getattr(route, name) for name in ("path", "methods") if getattr(route, name)}
        if rule:
            route.rules = [rule]
            route.save(update_fields=["rules"])
        destinations.objects.create(route=route, service_id=route.service_id)


def take_them_back(apps, schema_editor):
    """Keep the first rule and the first destination of each route."""
    for route in apps.get_model("apis", "Route").objects.all().iterator():
        rule = route.rules[0] if route.rules else {}
        route.path, route.methods = rule.get("path", ""), rule.get("methods", "")
        route.service_id = route.destinations.order_by("order", "created_at").first().service_id
        route.save(update_fields=["path", "methods", "service"])


class Migration(migrations.Migration):

    dependencies = [
        ("apis", "0002_instance_labels"),
    ]

    operations = [
        migrations.AddField(
            model_name="apiinstance",
            name="settings",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="service",
            name="settings",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="service",
            name="secrets",
            field=portal.core.crypto.EncryptedTextField(default="{}"),
        ),
        migrations.AddField(
            model_name="route",
            name="rules",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AlterField(
            model_name="route",
            name="service",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="routes",
                to="apis.service",
            ),
        ),
        migrations.CreateModel(
            name="Destination",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("order", models.PositiveIntegerField(default=0)),
                (
                    "weight",
                    models.PositiveIntegerField(
                        default=1,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                    ),
                ),
                ("path", models.CharField(blank=True, max_length=300)),
                (
                    "route",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="destinations", to="apis.route"
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.RESTRICT, related_name="destinations", to="apis.service"
                    ),
                ),
            ],
            options={"ordering": ["order", "created_at"]},
        ),
        migrations.RunPython(keep_what_routes_say, take_them_back),
        migrations.RemoveField(model_name="route", name="service"),
        migrations.RemoveField(model_name="route", name="path"),
        migrations.RemoveField(model_name="route", name="methods"),
    ]
