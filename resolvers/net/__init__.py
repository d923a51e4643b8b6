"""This machine's network as its tools are configured.

HTTP, proxies, certificates, pip's configuration, a loopback server and prefetching.
"""
