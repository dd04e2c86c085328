"""Routes of signing in and out."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("sign-in/", views.SignIn.as_view(), name="sign-in"),
    path("sign-out/", views.SignOut.as_view(), name="sign-out"),
    path("sign-in/link/<str:token>/", views.sign_in_by_link, name="sign-in-link"),
]
