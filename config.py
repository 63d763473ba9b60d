"""The settings of this deployment, for what is built on authapp: `from config import read_settings`."""

from authapp.config import Settings, UnsafeSettings, read_settings

__all__ = ["Settings", "UnsafeSettings", "read_settings"]
