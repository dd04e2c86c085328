"""Routes of signing in and out, those of the admin site included: one door in and one out."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("sign-in/", views.SignIn.as_view(), name="sign-in"),
    path("sign-out/", views.SignOut.as_view(), name="sign-out"),
    path("sign-in/link/<str:token>/", views.sign_in_by_link, name="sign-in-link"),
    path("admin/login/", views.admin_sign_in, name="admin-sign-in"),
    path("admin/logout/", views.SignOut.as_view(), name="admin-sign-out"),
]
