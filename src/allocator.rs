//! Memory for large buffers, aligned so that copying into them is fast.
//!
//! Copies of 8 KiB and more are done by `rep movsb` in glibc's `memcpy`. On some processors (AMD's
//! Zen 4 among them) that is thirty times slower where the target begins 1 to 15 bytes further into
//! its page than the source does into its own: 3.5 instead of 100 GB/s. rustls copies each record
//! it has decrypted from behind a header of five bytes to a block of its own, and two blocks of
//! 16 KiB that the system's allocator puts one behind the other are 16 bytes apart: eleven bytes
//! too many. Where all blocks begin with a cache line, none is in that place.

use std::alloc::{GlobalAlloc, Layout, System};

/// Blocks of this size on begin with a cache line.
const LARGE: usize = 8 * 1024;

const CACHE_LINE: usize = 64;

/// The system's allocator, with large blocks aligned.
struct LineAligned;

#[global_allocator]
static ALLOCATOR: LineAligned = LineAligned;

fn aligned(layout: Layout) -> Layout {
    if layout.size() < LARGE {
        return layout;
    }
    layout.align_to(CACHE_LINE).unwrap_or(layout)
}

#[allow(
    unsafe_code,
    reason = "an allocator cannot be written otherwise; all work is left to the system's"
)]
// SAFETY: Every block comes from and goes back to `System` with one and the same layout: `aligned`
// depends on nothing but the layout that the caller gives, and callers give the same one for the
// same block. A stricter alignment satisfies the one that was asked for.
unsafe impl GlobalAlloc for LineAligned {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise, that the size is not zero, holds for the aligned layout.
        unsafe { System.alloc(aligned(layout)) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(aligned(layout)) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block was allocated with the same layout, and so with the same aligned one.
        unsafe { System.dealloc(block, aligned(layout)) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Within one class the system's own way, which need not copy, is open only to small blocks;
        // the default of the trait allocates, copies and frees.
        if layout.size() < LARGE && size < LARGE {
            // SAFETY: the block was allocated by `System` with this very layout.
            return unsafe { System.realloc(block, layout, size) };
        }
        // SAFETY: the caller promises that `size`, rounded up to the alignment, does not overflow.
        let new_layout = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: the size is not zero, as the caller promises.
        let new = unsafe { self.alloc(new_layout) };
        if !new.is_null() {
            let count = layout.size().min(size);
            // SAFETY: both blocks are at least `count` bytes long, and one is new.
            unsafe { std::ptr::copy_nonoverlapping(block, new, count) };
            // SAFETY: the block was allocated with `layout` and is not used any more.
            unsafe { self.dealloc(block, layout) };
        }
        new
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn large_blocks_begin_with_a_cache_line_and_keep_their_contents_when_they_grow_and_shrink() {
        let mut bytes: Vec<u8> = (0..=250).cycle().take(5000).collect();
        let expected = bytes.clone();
        for capacity in [9000, 100_000, 20_000, 8192, 6000] {
            bytes.shrink_to(capacity);
            bytes.reserve_exact(capacity - bytes.len());
            assert_eq!(bytes, expected);
            if bytes.capacity() >= super::LARGE {
                assert_eq!(bytes.as_ptr().addr() % super::CACHE_LINE, 0);
            }
        }
        assert!(bytes.capacity() < super::LARGE);
        assert_eq!(vec![0_u8; 1_000_000].iter().max(), Some(&0));
    }
}
