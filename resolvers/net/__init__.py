"""This machine's network as its tools are configured.

HTTP, proxies, certificates, a loopback server, looking ahead.
"""
