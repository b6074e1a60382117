"""The package's own URLs."""

from django.urls import include, path

from benchmarks.comparison.projects import views

urlpatterns = [path("auth/", include("tokenauth.urls")), *views.urlpatterns]
