"""The login view with basic authentication, as the package's manual has it."""

from django.urls import path
from knox.views import LoginView
from rest_framework.authentication import BasicAuthentication

from benchmarks.comparison.projects import views

urlpatterns = [
    path("login/", LoginView.as_view(authentication_classes=[BasicAuthentication])),
    *views.urlpatterns,
]
