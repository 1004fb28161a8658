//! The size that the allocator really hands out for a request.
//!
//! Entries are allocated in whole size classes of jemalloc (multiples of 8 to 64, then four steps
//! per doubling), so that the slack of a class is usable by an overwrite in place and
//! the byte accounting says what the process pays. With another allocator the figures are only an
//! upper estimate of the request; nothing depends on them for safety.

/// Distance between the smallest classes.
const QUANTUM: usize = 8;
/// Up to here classes are multiples of the quantum; beyond, four per doubling.
const LINEAR_END: usize = 64;

/// Bytes of the size class that serves a request of `size` bytes (0 for 0).
#[inline]
pub const fn size_class(size: usize) -> usize {
    if size <= LINEAR_END {
        return (size + QUANTUM - 1) & !(QUANTUM - 1);
    }
    let step = 1 << ((size - 1).ilog2() - 2);
    (size + step - 1) & !(step - 1)
}

#[cfg(test)]
mod tests {
    use super::size_class;

    #[test]
    fn classes_are_jemallocs() {
        let classes = [
            0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448,
            512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096, 5120,
        ];
        for pair in classes.windows(2) {
            for size in pair[0] + 1..=pair[1] {
                assert_eq!(size_class(size), pair[1], "request of {size}");
            }
        }
        assert_eq!(size_class(14_337), 16_384);
        assert_eq!(size_class(16_385), 20_480);
        assert_eq!(size_class((1 << 20) + 1), (1 << 20) + (1 << 18));
    }
}
