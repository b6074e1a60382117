"""Members in the admin, by a ModelAdmin that knows nothing of sessions."""

from django.contrib import admin

from tests.custom_user.models import Member


@admin.register(Member)
class MemberAdmin(admin.ModelAdmin):
    """A page of the project's own."""

    list_display = ("email", "is_active")
    actions = ()
