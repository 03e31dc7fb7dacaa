from django.db import migrations

import portal.core.crypto


def forget_empty_ones(apps, schema_editor):
    """Leave nothing to decrypt where there is no secret."""
    services = apps.get_model("apis", "Service").objects
    services.filter(pk__in=[each.pk for each in services.iterator() if each.secrets == "{}"]).update(secrets=None)


class Migration(migrations.Migration):

    dependencies = [
        ("apis", "0004_deprecation"),
    ]

    operations = [
        migrations.AlterField(
            model_name="service",
            name="secrets",
            field=portal.core.crypto.EncryptedTextField(blank=True, null=True),
        ),
        migrations.RunPython(forget_empty_ones, migrations.RunPython.noop),
    ]
