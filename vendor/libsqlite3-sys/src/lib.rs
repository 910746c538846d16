//! One SQLite in the process instead of two.
//!
//! The embedded broker stores through libsql, the embedded DynamoDB through rusqlite. Each brings a
//! SQLite of its own in C, and two of them do not link into one binary. libsql's is a superset of the
//! other, with the same C interface, so rusqlite is given that one: this crate has the name of the
//! one that brings rusqlite's.

use std::ffi::{c_char, c_int};

pub use libsql_ffi::*;

/// What SQLite calls for every connection.
type AutoExtension =
    unsafe extern "C" fn(*mut sqlite3, *mut *mut c_char, *const sqlite3_api_routines) -> c_int;

// libsql's bindings say `*mut *const c_char`, which rusqlite does not; in C they are the same.
unsafe extern "C" {
    pub fn sqlite3_auto_extension(extension: Option<AutoExtension>) -> c_int;
    pub fn sqlite3_cancel_auto_extension(extension: Option<AutoExtension>) -> c_int;
}
