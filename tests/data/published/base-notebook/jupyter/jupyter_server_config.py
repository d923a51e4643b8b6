c = get_config()  # type: ignore[name-defined] # noqa: F821 - Jupyter defines it
c.IdentityProvider.token = ""
c.FileContentsManager.delete_to_trash = False
