//! Making secrets.

use rand::TryRng as _;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use crate::model::Secret;

/// Letters and digits: they mean themselves in URLs, shells, connection strings, JDBC properties and YAML.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Characters of a password: 238 bits.
const LENGTH: usize = 40;

/// The operating system gave no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random numbers: {0}")]
pub struct NoRandomness(String);

/// Makes a password of 40 letters and digits, each from the operating system's generator.
///
/// # Errors
///
/// When the operating system gives no random numbers.
pub fn generate_password() -> Result<Secret, NoRandomness> {
    let mut password = Zeroizing::new(String::with_capacity(LENGTH));
    let mut bytes = Zeroizing::new([0u8; 64]);
    // Every byte below the largest multiple of 62 stands for a character; the others would favour the first eight.
    let fair = u8::MAX - u8::MAX % 62;
    while password.len() < LENGTH {
        SysRng
            .try_fill_bytes(bytes.as_mut_slice())
            .map_err(|error| NoRandomness(error.to_string()))?;
        let characters = bytes.iter().filter(|byte| **byte < fair);
        let characters = characters.map(|byte| char::from(ALPHABET[usize::from(byte % 62)]));
        let missing = LENGTH - password.len();
        password.extend(characters.take(missing));
    }
    Ok(Secret::new(password.as_str()))
}

/// The SCRAM-SHA-256 verifier of a password, as `ALTER ROLE .. PASSWORD` takes it: the server never sees the password.
pub fn scram_verifier(password: &Secret) -> String {
    postgres_protocol::password::scram_sha_256(password.expose().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_long_plain_and_different() {
        let password = generate_password().expect("random numbers");
        assert_eq!(password.expose().len(), LENGTH);
        assert!(password.expose().bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let other = generate_password().expect("random numbers");
        assert_ne!(password.expose(), other.expose());
    }

    #[test]
    fn every_character_is_used() {
        let seen: std::collections::BTreeSet<u8> = (0..100)
            .flat_map(|_| {
                generate_password()
                    .expect("random numbers")
                    .expose()
                    .bytes()
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(seen.len(), ALPHABET.len());
    }

    #[test]
    fn a_verifier_has_the_form_that_postgres_stores() {
        let verifier = scram_verifier(&Secret::new("x"));
        assert!(verifier.starts_with("SCRAM-SHA-256$4096:"), "{verifier}");
        assert_eq!(verifier.matches(['$', ':']).count(), 4);
    }
}
