//! Functions that Terraform has and a tenants file has not, each with the reason.

const FILES: &str = "no function reads a file, so that planning a pull request shows nothing of the machine that plans: \
     put the values in a variable file and pass it with --var-file";
const TIME: &str =
    "the same file has to make the same plan at any time: pass the time as a variable, with --var";
const CHANCE: &str =
    "the same file has to make the same plan each time: write the value down, or pass it with --var";
const ENVIRONMENT: &str =
    "no function reads the environment: declare a variable and pass its value with --var";
const SECRETS: &str =
    "a tenants file holds no secret, so there is nothing to mark or to decrypt: leave it away";
const PATHS: &str =
    "nothing in a tenants file is a path to compute: use `split(\"/\", ..)` for texts with slashes";
const YAML: &str = "YAML is not read here: use jsondecode() and jsonencode()";

/// Why there is no such function.
pub(super) fn why(name: &str) -> Option<&'static str> {
    Some(match name {
        "abspath" | "pathexpand" | "file" | "fileexists" | "fileset" | "filebase64" | "filemd5"
        | "filesha1" | "filesha256" | "filesha512" | "filebase64sha256" | "filebase64sha512"
        | "templatefile" | "templatestring" => FILES,
        "basename" | "dirname" => PATHS,
        "timestamp" | "plantimestamp" | "formatdate" | "timeadd" | "timecmp" => TIME,
        "uuid" | "uuidv5" | "bcrypt" | "random" => CHANCE,
        "env" | "getenv" | "get_env" => ENVIRONMENT,
        "sensitive" | "nonsensitive" | "issensitive" | "ephemeralasnull" | "rsadecrypt" => SECRETS,
        "yamldecode" | "yamlencode" => YAML,
        "base64gzip" | "textencodebase64" | "textdecodebase64" => {
            "nothing that belongs to a tenant is binary: use base64encode() for text"
        }
        "list" => "write the list: [a, b]",
        "map" => "write the object: { key = value }",
        "type" => "it exists on Terraform's console alone",
        _ => return None,
    })
}
