//! How much memory the allocator keeps for later.

/// Makes the allocator keep little: one pool of memory for all threads, from which what is free
/// goes back to the system soon. An agent is almost always one thread at work, so this costs it no
/// time, and a VPS of 512 MB has other use for the memory. To be called before threads are started;
/// without effect where the C library is not the GNU one.
pub fn keep_little_memory() {
    #[cfg(target_env = "gnu")]
    {
        const FREE_AT_THE_TOP_BYTES: libc::c_int = 64 << 10;
        // SAFETY: takes no pointers, and no other thread allocates yet.
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, 1);
            libc::mallopt(libc::M_TRIM_THRESHOLD, FREE_AT_THE_TOP_BYTES);
        }
    }
}
