"""A project with django-rest-knox. Login is by HTTP Basic, the shorter of two documented ways."""

from django.urls import path
from knox.auth import TokenAuthentication
from knox.views import LoginView
from rest_framework.authentication import BasicAuthentication

from benchmarks.urls import api

urlpatterns = [
    path("login/", LoginView.as_view(authentication_classes=[BasicAuthentication])),
    *api("knox", TokenAuthentication),
]
