//! Where everything is kept.
