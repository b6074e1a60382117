
import django.db.models.deletion
import tokenauth.system
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AuthSession',
            fields=[
                ('id', models.UUIDField(default=tokenauth.system.new_id, editable=False, primary_key=True, serialize=False)),
                ('client', models.CharField(max_length=64, verbose_name='client')),
                ('transport', models.CharField(max_length=8, verbose_name='transport')),
                ('persistent', models.BooleanField(default=True, verbose_name='kept when the browser closes')),
                ('device_name', models.CharField(blank=True, max_length=100, verbose_name='device name')),
                ('device', models.CharField(blank=True, max_length=80, verbose_name='device')),
                ('device_kind', models.CharField(blank=True, choices=[('desktop', 'desktop'), ('phone', 'phone'), ('tablet', 'tablet'), ('other', 'other')], default='', max_length=8, verbose_name='kind of device')),
                ('new_device', models.BooleanField(default=False, verbose_name='new device')),
                ('seed', models.BinaryField(max_length=32)),
                ('generation', models.PositiveIntegerField(default=0, verbose_name='rotations')),
                ('confirmed_generation', models.IntegerField(default=-1)),
                ('floor', models.PositiveIntegerField(default=0)),
                ('rotated_at', models.DateTimeField(verbose_name='last rotation')),
                ('late_generation', models.PositiveIntegerField(default=0)),
                ('late_run', models.PositiveSmallIntegerField(default=0)),
                ('grace_count', models.PositiveIntegerField(default=0, verbose_name='repeated answers')),
                ('created_at', models.DateTimeField(verbose_name='created')),
                ('last_seen_at', models.DateTimeField(verbose_name='last seen')),
                ('expires_at', models.DateTimeField(verbose_name='expires')),
                ('absolute_expires_at', models.DateTimeField(db_index=True, verbose_name='expires at the latest')),
                ('auth_time', models.DateTimeField(verbose_name='authenticated')),
                ('amr', models.JSONField(blank=True, default=list, verbose_name='authentication methods')),
                ('auth_hash', models.CharField(editable=False, max_length=128)),
                ('first_ip', models.GenericIPAddressField(null=True, verbose_name='first address')),
                ('last_ip', models.GenericIPAddressField(null=True, verbose_name='last address')),
                ('first_user_agent', models.CharField(blank=True, max_length=400, verbose_name='first browser')),
                ('last_user_agent', models.CharField(blank=True, max_length=400, verbose_name='last browser')),
                ('moves', models.PositiveIntegerField(default=0, verbose_name='changes of address or browser')),
                ('moved_at', models.DateTimeField(null=True, verbose_name='address and browser changed at once')),
                ('revoked_at', models.DateTimeField(null=True, verbose_name='revoked')),
                ('revoked_reason', models.CharField(blank=True, max_length=32, verbose_name='reason')),
                ('revoked_note', models.CharField(blank=True, max_length=200, verbose_name='note')),
                ('end_recorded_at', models.DateTimeField(null=True)),
                ('listed_at', models.DateTimeField(db_index=True, null=True)),
                ('revoked_by', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='revoked by')),
                ('user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='auth_sessions', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'session',
                'verbose_name_plural': 'sessions',
                'permissions': [('revoke_authsession', 'Can revoke sessions'), ('revoke_everyone_authsession', 'Can revoke the sessions of everyone'), ('revoke_superuser_authsession', 'Can revoke sessions of superusers')],
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='AuthStatistic',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hour', models.DateTimeField(verbose_name='hour')),
                ('measure', models.CharField(max_length=32, verbose_name='measure')),
                ('key', models.CharField(blank=True, max_length=255, verbose_name='key')),
                ('count', models.BigIntegerField(verbose_name='count')),
            ],
            options={
                'verbose_name': 'statistic',
                'verbose_name_plural': 'statistics',
                'default_permissions': ('view',),
                'constraints': [models.UniqueConstraint(fields=('hour', 'measure', 'key'), name='tokenauth_statistic_hour')],
            },
        ),
        migrations.CreateModel(
            name='RefreshToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('generation', models.PositiveIntegerField(verbose_name='generation')),
                ('issued_at', models.DateTimeField(verbose_name='issued')),
                ('ip', models.GenericIPAddressField(null=True, verbose_name='address')),
                ('user_agent', models.CharField(blank=True, max_length=400, verbose_name='browser')),
                ('session', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='refresh_tokens', to='tokenauth.authsession', verbose_name='session')),
            ],
            options={
                'verbose_name': 'refresh token',
                'verbose_name_plural': 'refresh tokens',
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='AuthEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(verbose_name='time')),
                ('type', models.CharField(max_length=32, verbose_name='event')),
                ('user_key', models.CharField(blank=True, max_length=255, verbose_name='user key')),
                ('actor_key', models.CharField(blank=True, max_length=255, verbose_name='actor key')),
                ('session_id', models.UUIDField(db_index=True, null=True, verbose_name='session')),
                ('ip', models.GenericIPAddressField(null=True, verbose_name='address')),
                ('user_agent', models.CharField(blank=True, max_length=400, verbose_name='browser')),
                ('reason', models.CharField(blank=True, max_length=32, verbose_name='reason')),
                ('detail', models.JSONField(blank=True, default=dict, verbose_name='detail')),
                ('actor', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='actor')),
                ('user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'event',
                'verbose_name_plural': 'events',
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['user', 'user_key'], name='tokenauth_event_user'), models.Index(fields=['-created_at', '-id'], name='tokenauth_event_time'), models.Index(fields=['type', '-created_at', '-id'], name='tokenauth_event_type'), models.Index(fields=['reason', '-created_at', '-id'], name='tokenauth_event_reason'), models.Index(fields=['ip', '-created_at', '-id'], name='tokenauth_event_ip'), models.Index(condition=models.Q(('type__in', ('reuse', 'database_behind'))), fields=['-created_at', '-id'], name='tokenauth_event_alarm')],
            },
        ),
        migrations.AddIndex(
            model_name='authsession',
            index=models.Index(fields=['user', '-created_at'], name='tokenauth_session_user'),
        ),
        migrations.AddIndex(
            model_name='authsession',
            index=models.Index(fields=['first_ip'], name='tokenauth_session_first_ip'),
        ),
        migrations.AddIndex(
            model_name='authsession',
            index=models.Index(fields=['last_ip'], name='tokenauth_session_last_ip'),
        ),
        migrations.AddIndex(
            model_name='authsession',
            index=models.Index(condition=models.Q(('revoked_at__isnull', False)), fields=['revoked_reason', '-id'], name='tokenauth_session_revoked'),
        ),
        migrations.AddIndex(
            model_name='authsession',
            index=models.Index(condition=models.Q(('revoked_reason', 'reuse'), ('late_run__gte', 2), ('grace_count__gte', 100), ('moved_at__isnull', False), _connector='OR'), fields=['-id'], name='tokenauth_session_suspicious'),
        ),
        migrations.AddIndex(
            model_name='authsession',
            index=models.Index(condition=models.Q(('new_device', True)), fields=['-id'], name='tokenauth_session_new'),
        ),
        migrations.AddIndex(
            model_name='authsession',
            index=models.Index(fields=['client', '-id'], name='tokenauth_session_client'),
        ),
        migrations.AddIndex(
            model_name='authsession',
            index=models.Index(fields=['device_kind', '-id'], name='tokenauth_session_kind'),
        ),
        migrations.AddConstraint(
            model_name='refreshtoken',
            constraint=models.UniqueConstraint(fields=('session', 'generation'), name='tokenauth_token_generation'),
        ),
    ]
