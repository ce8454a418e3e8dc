//! Copies of large buffers. For a copy longer than [`STEP`], `memcpy` may use `rep movsb`, which is
//! thirty times slower on some processors if source and target are misaligned.

const STEP: usize = 1024;

/// Appends `bytes` to `buffer`.
pub(crate) fn append(buffer: &mut Vec<u8>, bytes: &[u8]) {
    buffer.reserve(bytes.len());
    for step in bytes.chunks(STEP) {
        buffer.extend_from_slice(step);
    }
}

/// Copies as much of `bytes` as fits into `target`. Returns the number of bytes.
pub(crate) fn copy(target: &mut [u8], bytes: &[u8]) -> usize {
    let count = target.len().min(bytes.len());
    let (target, bytes) = (target.split_at_mut(count).0, bytes.split_at(count).0);
    for (target, step) in target.chunks_mut(STEP).zip(bytes.chunks(STEP)) {
        target.copy_from_slice(step);
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_limited_to_the_source_and_the_target() {
        let bytes: Vec<u8> = (0..=250).cycle().take(3 * STEP + 1).collect();
        for room in [0, 1, STEP, STEP + 1, bytes.len(), bytes.len() + 7] {
            let mut target = vec![255; room];
            let count = copy(&mut target, &bytes);
            assert_eq!(count, room.min(bytes.len()));
            assert_eq!(target[..count], bytes[..count]);
            assert!(target[count..].iter().all(|&byte| byte == 255));
        }
        let mut buffer = b"before".to_vec();
        append(&mut buffer, &bytes);
        assert!(buffer.starts_with(b"before") && buffer.ends_with(&bytes));
    }
}
