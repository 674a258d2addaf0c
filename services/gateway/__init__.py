"""The gateway: every API request of a cell passes here.

Hot path: an asyncio protocol (``connection``) that parses heads (``heads``, ``bodies``), routes (``routing``),
identifies the caller (``identity``), limits (``limiter``), protects the services (``breaker``, ``overload``) and
proxies over keep-alive pools (``upstream``). Rare requests (health, metrics) are a FastAPI application (``rare``).
Owns no fact: routes, limits and settings are in ``services.contracts``.
"""
