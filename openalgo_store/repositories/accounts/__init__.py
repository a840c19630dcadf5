"""Users, their API keys, their broker tokens, and the proof of the secrets.

Every read asks the primary and refuses a `tx` that reads a replica (WrongDatabase): each may be the
ground on which somebody is let in, and a replica may not know yet what was revoked or changed.
"""

from ...records.accounts import ApiKey, AuthToken, IssuedApiKey, User
from ...security.passwords import hash_password, verify_password
from .api_keys import (
    create_api_key,
    get_user_by_api_key,
    list_api_keys,
    revoke_api_key,
    warm_api_key_cache,
)
from .auth_tokens import (
    get_auth_token,
    list_auth_tokens,
    revoke_auth_token,
    rotate_encryption_keys,
    save_auth_token,
)
from .users import (
    authenticate_user,
    create_user,
    delete_user,
    get_user,
    get_user_by_email,
    get_user_by_username,
    list_users,
    reactivate_user,
    update_user,
)

__all__ = [
    "ApiKey",
    "AuthToken",
    "IssuedApiKey",
    "User",
    "authenticate_user",
    "create_api_key",
    "create_user",
    "delete_user",
    "get_auth_token",
    "get_user",
    "get_user_by_api_key",
    "get_user_by_email",
    "get_user_by_username",
    "hash_password",
    "list_api_keys",
    "list_auth_tokens",
    "list_users",
    "reactivate_user",
    "revoke_api_key",
    "revoke_auth_token",
    "rotate_encryption_keys",
    "save_auth_token",
    "update_user",
    "verify_password",
    "warm_api_key_cache",
]
