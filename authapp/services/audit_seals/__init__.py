"""The Merkle trees that seal the audit log: an organization's own, and one for what happens outside of them."""

from authapp.services.audit_seals.erasure import erase_personal
from authapp.services.audit_seals.sealing import unsealed_age

__all__ = ["erase_personal", "unsealed_age"]
