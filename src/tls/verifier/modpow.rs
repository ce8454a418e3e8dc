//! Powers modulo an odd number, by Montgomery's method (Handbook of Applied Cryptography, 14.36 and
//! 14.94). Only for public data: the running time depends on the numbers.

/// Digits of a number in base 2⁶⁴, least significant first.
type Digits = Vec<u64>;

/// `base` to the power of `exponent` modulo `modulus`, big-endian without leading zeros. `None` if
/// the modulus is even, the base is not below it, or the exponent is zero.
pub(super) fn modpow(base: &[u8], exponent: u64, modulus: &[u8]) -> Option<Vec<u8>> {
    let modulus = Modulus::new(modulus)?;
    let mut base = digits_of(base);
    if base.len() > modulus.digits.len() {
        return None;
    }
    base.resize(modulus.digits.len(), 0);
    if !modulus.exceeds(&base) || exponent == 0 {
        return None;
    }
    let base = modulus.scale(base);
    let mut result = base.clone();
    for bit in (0..exponent.ilog2()).rev() {
        result = modulus.multiply(&result, &result);
        if exponent >> bit & 1 == 1 {
            result = modulus.multiply(&result, &base);
        }
    }
    let result = modulus.multiply(&result, &[&[1], &vec![0; base.len() - 1][..]].concat());
    let bytes = result.iter().rev().flat_map(|digit| digit.to_be_bytes());
    Some(bytes.skip_while(|&byte| byte == 0).collect())
}

/// An odd modulus.
struct Modulus {
    digits: Digits,
    /// The factor that multiplies the lowest digit to -1.
    factor: u64,
}

impl Modulus {
    fn new(bytes: &[u8]) -> Option<Self> {
        let digits = digits_of(bytes);
        let lowest = *digits.first().filter(|&digit| digit % 2 == 1)?;
        // Modulo eight, an odd number is its own inverse. Each step doubles the number of correct
        // bits.
        let inverse = (0..5).fold(lowest, |inverse, _| {
            inverse.wrapping_mul(2_u64.wrapping_sub(lowest.wrapping_mul(inverse)))
        });
        Some(Self {
            digits,
            factor: inverse.wrapping_neg(),
        })
    }

    fn exceeds(&self, number: &[u64]) -> bool {
        number.iter().rev().lt(self.digits.iter().rev())
    }

    /// Reduces a number below twice the modulus. `above` is the bit above its digits.
    fn reduce(&self, mut number: Digits, above: bool) -> Digits {
        if above || !self.exceeds(&number) {
            let mut borrow = false;
            for (digit, &other) in number.iter_mut().zip(&self.digits) {
                let (difference, first) = digit.overflowing_sub(other);
                let (difference, second) = difference.overflowing_sub(u64::from(borrow));
                *digit = difference;
                borrow = first || second;
            }
        }
        number
    }

    /// Multiplies by 2⁶⁴ for each digit, the form that [`Self::multiply`] expects.
    fn scale(&self, mut number: Digits) -> Digits {
        for _ in 0..self.digits.len() * 64 {
            let mut carry = 0;
            for digit in &mut number {
                (*digit, carry) = (*digit << 1 | carry, *digit >> 63);
            }
            number = self.reduce(number, carry == 1);
        }
        number
    }

    /// The product of two numbers below the modulus, divided by 2⁶⁴ for each digit.
    fn multiply(&self, one: &[u64], other: &[u64]) -> Digits {
        let mut sum = vec![0; self.digits.len()];
        let mut above = false;
        for &digit in other {
            let carry = add_product(&mut sum, one, digit);
            let (highest, first) = carry.overflowing_add(u64::from(above));
            // Makes the lowest digit zero, so that it can be dropped.
            let factor = sum.first().map_or(0, |low| low.wrapping_mul(self.factor));
            let carry = add_product(&mut sum, &self.digits, factor);
            let (highest, second) = highest.overflowing_add(carry);
            sum.rotate_left(1);
            if let Some(last) = sum.last_mut() {
                *last = highest;
            }
            above = first || second;
        }
        self.reduce(sum, above)
    }
}

fn digits_of(bytes: &[u8]) -> Digits {
    let digit = |bytes: &[u8]| {
        let add = |number, &byte| number << 8 | u64::from(byte);
        bytes.iter().fold(0, add)
    };
    bytes.rchunks(size_of::<u64>()).map(digit).collect()
}

/// Adds a product to `sum`. Returns the carry.
#[allow(
    clippy::cast_possible_truncation,
    reason = "a double digit is split in two"
)]
fn add_product(sum: &mut [u64], number: &[u64], digit: u64) -> u64 {
    let mut carry = 0;
    for (sum, &factor) in sum.iter_mut().zip(number) {
        let product = u128::from(factor) * u128::from(digit) + u128::from(*sum) + u128::from(carry);
        (*sum, carry) = (product as u64, (product >> 64) as u64);
    }
    carry
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(number: u128) -> Vec<u8> {
        let bytes = number.to_be_bytes();
        bytes.into_iter().skip_while(|&byte| byte == 0).collect()
    }

    #[test]
    fn small_powers_are_those_of_plain_arithmetic() {
        for modulus in (1..200).step_by(2) {
            for base in 0..modulus {
                for exponent in 1..20 {
                    let expected = (0..exponent).fold(1, |product, _| product * base % modulus);
                    assert_eq!(
                        modpow(&bytes_of(base), exponent, &bytes_of(modulus)),
                        Some(bytes_of(expected % modulus)),
                        "{base}^{exponent} mod {modulus}"
                    );
                }
            }
        }
    }

    #[test]
    fn carries_propagate_through_all_digits() {
        // 2^(64n) - 1, whose digits are all ones: -1 to an odd power is -1.
        for length in [8, 16, 24, 128, 256] {
            let modulus = vec![0xff; length];
            let mut minus_one = modulus.clone();
            minus_one[length - 1] = 0xfe;
            for exponent in [3, 65537, (1 << 33) - 1] {
                assert_eq!(
                    modpow(&minus_one, exponent, &modulus),
                    Some(minus_one.clone())
                );
                assert_eq!(modpow(&minus_one, exponent + 1, &modulus), Some(vec![1]));
            }
        }
    }

    #[test]
    fn mersenne_primes_satisfy_fermats_theorem() {
        // 2^127 - 1 is prime: x^(p-1) = 1, in two steps because of the length of the exponent.
        let prime = (1_u128 << 127) - 1;
        let base = bytes_of(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        // p - 1 = 2 * 3^3 * 7^2 * 19 * 43 * 73 * 127 * 337 * 5419 * 92737 * 649657 * 77158673929
        let factors = [
            2,
            27,
            49,
            19,
            43,
            73,
            127,
            337,
            5419,
            92737,
            649_657,
            77_158_673_929,
        ];
        assert_eq!(
            factors.iter().map(|&f| u128::from(f)).product::<u128>(),
            prime - 1
        );
        let step =
            |base: Vec<u8>, &exponent: &u64| modpow(&base, exponent, &bytes_of(prime)).unwrap();
        assert_eq!(factors.iter().fold(base, step), [1]);
    }

    #[test]
    fn invalid_operands_are_rejected() {
        assert_eq!(modpow(&[3], 3, &[8]), None, "even");
        assert_eq!(modpow(&[3], 3, &[]), None, "nothing");
        assert_eq!(modpow(&[7], 3, &[7]), None, "not below");
        assert_eq!(
            modpow(&[1, 0, 0, 0, 0, 0, 0, 0, 0], 3, &[7]),
            None,
            "longer"
        );
        assert_eq!(modpow(&[3], 0, &[7]), None, "to the power of zero");
    }
}
