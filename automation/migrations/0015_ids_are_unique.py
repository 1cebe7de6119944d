from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("automation", "0014_documents_of_automation")]

    operations = [
        migrations.AddConstraint(
            model_name='rule',
            constraint=models.UniqueConstraint(fields=('pipeline', 'uid'), name='rule_uid_once'),
        ),
        migrations.AddConstraint(
            model_name='rule',
            constraint=models.UniqueConstraint(condition=models.Q(('retired', False)), fields=('stage', 'key'), name='rule_key_once_a_stage'),
        ),
        migrations.AddConstraint(
            model_name='rule',
            constraint=models.UniqueConstraint(condition=models.Q(('retired', False)), fields=('rule_set', 'key'), name='rule_key_once_a_set'),
        ),
        migrations.AddConstraint(
            model_name='ruleset',
            constraint=models.UniqueConstraint(condition=models.Q(('retired', False)), fields=('pipeline', 'name'), name='rule_set_once_a_pipeline'),
        ),
        migrations.AddConstraint(
            model_name='ruleset',
            constraint=models.UniqueConstraint(fields=('pipeline', 'uid'), name='rule_set_uid_once'),
        ),
        migrations.AddConstraint(
            model_name='trigger',
            constraint=models.UniqueConstraint(fields=('pipeline', 'uid'), name='trigger_uid_once'),
        ),
    ]
