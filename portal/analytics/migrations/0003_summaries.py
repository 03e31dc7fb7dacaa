from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('analytics', '0002_shadowed'),
    ]

    operations = [
        migrations.CreateModel(
            name='TrafficSummary',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('environment_id', models.UUIDField()),
                ('organization_id', models.UUIDField()),
                ('instance', models.CharField(blank=True, max_length=36)),
                ('span', models.CharField(choices=[('minute', 'Minute'), ('quarter', 'Quarter of an hour'), ('day', 'Day')], max_length=10)),
                ('start', models.DateTimeField()),
                ('requests', models.BigIntegerField(default=0)),
                ('figures', models.JSONField(default=dict)),
            ],
            options={
                'indexes': [models.Index(fields=['instance', 'span', 'start'], name='analytics_t_instanc_fbe1d4_idx'), models.Index(fields=['span', 'start'], name='analytics_t_span_bf0b21_idx')],
                'constraints': [models.UniqueConstraint(fields=('environment_id', 'instance', 'span', 'start'), name='traffic_summary_once')],
            },
        ),
    ]
