//! What must hold of a report before it is stored.

use vantage_wire::report::{Envelope, Omitted, Report, ReportError};
use vantage_wire::{Micros, UtcMicros, Window};

use crate::identity;

/// How far in the future a window may begin: agents place windows by corrected time, and only the
/// error of the correction is left.
pub const MAX_FUTURE: Micros = Micros::from_secs(300);

/// Why a report is refused. Nothing of it is stored.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The bytes are no report of this format, too large, or do not add up.
    #[error(transparent)]
    Format(#[from] ReportError),
    /// The signature is not that of the agent's key.
    #[error(transparent)]
    Signature(#[from] identity::BadSignature),
    /// A window begins too far in the future.
    #[error("window of {} from unix second {} begins in the future", .0.length(), .0.start_unix_s())]
    Future(Window),
    /// A window begins before what is kept.
    #[error("window of {} from unix second {} is older than what is kept", .0.length(), .0.start_unix_s())]
    Ancient(Window),
}

/// The bounds that hold at the moment.
#[derive(Clone, Copy, Debug)]
pub struct Admission {
    /// The time now.
    pub now: UtcMicros,
    /// How long windows are kept: an older one could not be merged with what was once there.
    pub keep_windows: Micros,
}

impl Admission {
    /// Verifies, opens and bounds a report.
    ///
    /// # Errors
    ///
    /// [`Refusal`].
    pub fn admit(
        self,
        envelope: Envelope,
        public_key: &[u8; 32],
    ) -> Result<(Report, Omitted), Refusal> {
        let verified = envelope
            .verify(|message, signature| identity::verify(public_key, message, signature))?;
        let decoded = verified.open()?;
        for window in decoded.report.windows.iter().map(|report| report.window) {
            self.check(window)?;
        }
        Ok((decoded.report, decoded.omitted))
    }

    fn check(self, window: Window) -> Result<(), Refusal> {
        let micros = |span: Micros| i64::try_from(span.get()).unwrap_or(i64::MAX);
        // By its start: an agent may have merged a window that has not ended into a longer one.
        if window.start().get() > self.now.get().saturating_add(micros(MAX_FUTURE)) {
            return Err(Refusal::Future(window));
        }
        if window.start().get() < self.now.get().saturating_sub(micros(self.keep_windows)) {
            return Err(Refusal::Ancient(window));
        }
        Ok(())
    }
}
