//! Random numbers of the system, drawn where the process begins and passed in from there.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use ring::rand::{SecureRandom as _, SystemRandom};

/// The system gives no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct NoRandomness;

/// Bytes that nobody can guess.
///
/// # Errors
///
/// [`NoRandomness`].
pub fn bytes<const COUNT: usize>() -> Result<[u8; COUNT], NoRandomness> {
    let mut bytes = [0; COUNT];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// A generator for what need not be secret, such as the length of pauses.
///
/// # Errors
///
/// [`NoRandomness`].
pub fn generator() -> Result<ChaCha8Rng, NoRandomness> {
    Ok(ChaCha8Rng::from_seed(bytes()?))
}
