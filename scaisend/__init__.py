"""ScaiSend: a self-hosted, multi-tenant transactional e-mail service.

`docs/architecture.md` is the map of the rooms; each room's `__init__.py` is its manual page.
"""

__version__ = "0.1.0"
