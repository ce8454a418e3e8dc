//! Locks. `loom/` replaces this module with its own types, which try every order of threads.

use std::sync::PoisonError;

#[cfg(not(all(
    any(target_os = "linux", target_os = "android"),
    not(readiness = "portable")
)))]
pub(crate) use std::sync::Condvar;
pub(crate) use std::sync::atomic::AtomicBool;
pub(crate) use std::sync::{Mutex, MutexGuard};

/// Locks a mutex and ignores poisoning: every value behind these locks is consistent between
/// statements, so a panic elsewhere must not spread.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
