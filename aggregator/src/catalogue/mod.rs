//! What is probed, from where, and for whom.
