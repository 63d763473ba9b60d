"""The pages. A GET shows a form and changes nothing; what is sent from a page goes to the JSON API."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, Response, redirect

from authapp.decorators.guards import public
from authapp.views.pages.render import page

bp = Blueprint("hosted_pages", __name__)


@bp.get("/sign-in")
@public
def sign_in_page() -> Response:
    """Show the form to sign in."""
    return page("sign_in")


@bp.get("/register")
@public
def register_page() -> Response:
    """Show the form to register."""
    return page("register")


@bp.get("/forgot-password")
@public
def forgot_password_page() -> Response:
    """Show the form that asks for an email to choose another password."""
    return page("forgot_password")


@bp.get("/reset-password")
@public
def reset_password_page() -> Response:
    """Show the form to choose another password, where that email leads."""
    return page("reset_password")


@bp.get("/verify-email")
@public
def verify_email_page() -> Response:
    """Show the button to verify an address, where its email leads."""
    return page("verify_email")


@bp.get("/undo-email-change")
@public
def undo_email_change_page() -> Response:
    """Show the button to keep the former address, where the email to it leads."""
    return page("undo_email_change")


@bp.get("/invitation")
@public
def invitation_page() -> Response:
    """Show an invitation, where its email leads."""
    return page("invitation")


@bp.get("/account")
@public
def account_page() -> Response:
    """Show the account of whoever is signed in, which a script reads from the API."""
    return page("account")


@bp.get("/organizations")
@public
def organizations_page() -> Response:
    """Show the organizations of whoever is signed in, which a script reads from the API."""
    return page("organizations")


@bp.get("/organizations/<slug>")
@public
def organization_page(slug: str) -> Response:
    """Show the console of an organization, which a script looks up by its slug. The page is the same for every slug."""
    return page("organization")


@bp.get("/operator")
@public
def operator_page() -> Response:
    """Show the operator's console, which a script fills from the operator's routes of the API."""
    return page("operator")


@bp.get("/operator/users/<account>")
@public
def operator_user_page(account: str) -> Response:
    """Show an account to an operator. The page is the same for every id."""
    return page("operator_user")


@bp.get("/operator/organizations/<organization>")
@public
def operator_organization_page(organization: str) -> Response:
    """Show an organization to an operator. The page is the same for every id."""
    return page("operator_organization")


@bp.get("/.well-known/change-password")
@public
def change_password_page() -> Response:
    """Lead password managers to the page where a password is changed."""
    return cast("Response", redirect("/account#password"))
