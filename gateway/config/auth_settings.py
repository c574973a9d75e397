"""The settings of who calls, as those in gateway.config.settings."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from gateway.config.address import https_url, listed
from gateway.config.role_name import role_name
from gateway.config.section import Section

CertificateRole = Annotated[str, Field(pattern=r"^.+=[A-Za-z0-9][A-Za-z0-9._:@/-]{0,63}$")]
_Published = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
JwtAlgorithm = _Published | Literal["HS256", "HS384", "HS512"]
DatabaseRole = Annotated[str, AfterValidator(role_name)]
Provider = Literal["client_certificate", "jwt", "api_key", "none"]


class AuthSettings(Section):
    """How callers are known; a new start takes changes up."""

    flat_prefix: ClassVar[str] = "auth_"

    providers: Annotated[tuple[Provider, ...], BeforeValidator(listed)] = ()
    """what tells who calls, in this order: `client_certificate`, `jwt`, `api_key`; or `none`, for nobody"""
    api_keys: Path | None = None
    """the file of API keys, which `rowgate keys` writes; a changed one is taken up within seconds"""
    policy: Path | None = None
    """a file of rules, TOML, that callers have to meet beside what the schema says"""
    schema_roles: Annotated[tuple[str, ...], BeforeValidator(listed)] = ()
    """roles whose callers may ask for the schema (reflection, OpenAPI) and limits, where callers are known"""
    explain_roles: Annotated[tuple[str, ...], BeforeValidator(listed)] = ()
    """roles whose callers may have their calls explained, where callers are known"""
    certificate_roles: Annotated[tuple[CertificateRole, ...], BeforeValidator(listed)] = ()
    """roles of client certificates by their names, as `spiffe://example.org/*=reader`, `CN=ci=writer`"""
    row_security: Literal["rowgate", "postgres"] = "rowgate"
    """who upholds rules of rows: the gateway alone, by the protos, or the database's own policies too"""
    database_role: DatabaseRole | None = None
    """row_security `postgres`: the role that calls run by, of callers whose credential names none"""
    database_role_claim: Annotated[str, Field(min_length=1)] | None = None
    """row_security `postgres`: the path of the claim that names the role"""
    database_roles: Annotated[tuple[DatabaseRole, ...], BeforeValidator(listed)] = ()
    """row_security `postgres`: the roles that the claim may name"""
    tenant_column: Annotated[str, Field(min_length=1)] | None = None
    """the column that says, in each table that has it, whose a row is: no other tenant may see or write it"""
    tenant_claim: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$", max_length=200)] | None = (
        None
    )
    """the path of the claim that says which tenant a caller belongs to"""
    tenant_exempt: Annotated[tuple[str, ...], BeforeValidator(listed)] = ()
    """messages, as `shop.v1.Country`, whose tables are of no tenant"""
    jwt_issuer: Annotated[str, Field(min_length=1)] | None = None
    """who makes the tokens: their `iss`, letter by letter"""
    jwt_audience: Annotated[tuple[str, ...], BeforeValidator(listed)] = ()
    """whom tokens are for: one of these has to be in their `aud`"""
    jwt_algorithms: Annotated[tuple[JwtAlgorithm, ...], BeforeValidator(listed), Field(min_length=1)] = (
        *("RS256", "ES256"),
    )
    """how tokens may be signed; HS256, HS384 and HS512 stand alone, and need `jwt_secret_file`"""
    jwt_keys_url: Annotated[str, AfterValidator(https_url)] | None = None
    """where the issuer publishes its keys: a JSON Web Key Set, of https, or of http on this machine"""
    jwt_keys_ca: Path | None = None
    """certificates, PEM, one of which must have signed that server's; by default the system's"""
    jwt_keys_file: Path | None = None
    """a file with the key set, in place of `jwt_keys_url`; a changed one is taken up within seconds"""
    jwt_secret_file: Path | None = None
    """a file with the secret that the issuer signs with too, where `jwt_algorithms` are HS256 and its like"""
    jwt_keys_interval: Annotated[float, Field(ge=10, allow_inf_nan=False)] = 300.0
    """interval at which the URL is asked; also when a token names an unknown key, every 10 s at most"""
    jwt_keys_max_age: Annotated[float, Field(ge=10, allow_inf_nan=False)] = 86_400.0
    """how long the keys are used while the URL fails"""
    jwt_leeway: Annotated[float, Field(ge=0, le=300)] = 30.0
    """how much the issuer's clock may differ from this one"""
    jwt_roles_claim: Annotated[str, Field(min_length=1)] = "roles"
    """the path of the claim that names roles, as `realm_access.roles`: a list, or a text with spaces"""

    @property
    def has_optional_certificates(self) -> bool:
        """Whether a client certificate is one of several ways to say who calls."""
        return "client_certificate" in self.providers and len(self.providers) > 1
