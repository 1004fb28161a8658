//! Doubles as Redis and Valkey print them, digit for digit.
//!
//! Their digits come from Grisu2 (F. Loitsch, "Printing Floating-Point Numbers Quickly and
//! Accurately with Integers", 2010). It is exact to read back but in about two of a thousand cases
//! not shortest or not closest: 1e23 prints as 99999999999999990000000. No shortest-float crate
//! gives those, so the algorithm stands here. Whole numbers up to ±2^62 print as integers.

/// Whole numbers up to this magnitude, 2^62, print as integers.
const MAX_INTEGER: f64 = 4_611_686_018_427_387_904.0;

/// The longest text: sign, `0.`, up to 17 digits and the zeros or exponent around them.
pub(super) const MAX_DOUBLE_TEXT: usize = 32;

/// Appends the text of `value`: `inf`, `-inf`, `nan`, an integer, a decimal fraction, or digits
/// with an exponent such as `1.5e+22`, whichever Redis would choose.
pub fn format_double(value: f64, out: &mut Vec<u8>) {
    let mut text = DoubleText::default();
    text.write(value);
    out.extend_from_slice(text.as_bytes());
}

/// As [`format_double`], but whole numbers get no form of their own: 1e10 is `1e+10`. So they stand
/// in Redis's digests.
pub fn format_double_digits(value: f64, out: &mut Vec<u8>) {
    let mut text = DoubleText::default();
    text.write_as(value, Whole::Digits);
    out.extend_from_slice(text.as_bytes());
}

/// How whole numbers up to [`MAX_INTEGER`] are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whole {
    /// As integers.
    Integers,
    /// As any other number.
    Digits,
}

/// The text of a double, on the stack.
#[derive(Default)]
pub(super) struct DoubleText {
    bytes: [u8; MAX_DOUBLE_TEXT],
    len: usize,
}

impl DoubleText {
    pub(super) fn new(value: f64) -> Self {
        let mut text = DoubleText::default();
        text.write(value);
        text
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn write(&mut self, value: f64) {
        self.write_as(value, Whole::Integers);
    }

    fn write_as(&mut self, value: f64, whole: Whole) {
        if value.is_nan() {
            return self.push(b"nan");
        }
        if value.is_sign_negative() {
            self.push(b"-");
        }
        let magnitude = value.abs();
        if magnitude.is_infinite() {
            self.push(b"inf");
        } else if magnitude == 0.0
            || whole == Whole::Integers
                && magnitude <= MAX_INTEGER
                && magnitude.trunc() == magnitude
        {
            self.push(itoa::Buffer::new().format(magnitude as u64).as_bytes());
        } else {
            let mut digits = [0; MAX_DIGITS];
            let (count, exponent) = shortest_digits(magnitude, &mut digits);
            self.lay_out(&digits[..count], exponent);
        }
    }

    /// Writes `digits` × 10^`exponent` in the notation that Redis chooses.
    fn lay_out(&mut self, digits: &[u8], exponent: i32) {
        let count = digits.len() as i32;
        let scientific = exponent + count - 1;
        if exponent >= 0 && scientific < count + 7 {
            self.push(digits);
            self.push_zeros(exponent);
        } else if exponent < 0 && (exponent > -7 || scientific.abs() < 4) {
            let whole = count + exponent;
            if whole > 0 {
                let (before, after) = digits.split_at(whole as usize);
                self.push(before);
                self.push(b".");
                self.push(after);
            } else {
                self.push(b"0.");
                self.push_zeros(-whole);
                self.push(digits);
            }
        } else {
            let (first, rest) = digits.split_at(1);
            self.push(first);
            if !rest.is_empty() {
                self.push(b".");
                self.push(rest);
            }
            self.push(if scientific < 0 { b"e-" } else { b"e+" });
            self.push(itoa::Buffer::new().format(scientific.unsigned_abs()).as_bytes());
        }
    }

    fn push(&mut self, part: &[u8]) {
        self.bytes[self.len..self.len + part.len()].copy_from_slice(part);
        self.len += part.len();
    }

    fn push_zeros(&mut self, count: i32) {
        for _ in 0..count {
            self.push(b"0");
        }
    }
}

/// A double never has more significant digits.
const MAX_DIGITS: usize = 18;

/// `frac` × 2^`exp`, without a hidden bit.
#[derive(Clone, Copy)]
struct Float {
    frac: u64,
    exp: i32,
}

impl Float {
    /// The same value with the highest bit set.
    fn normalized(self) -> Float {
        let shift = self.frac.leading_zeros();
        Float { frac: self.frac << shift, exp: self.exp - shift as i32 }
    }

    /// The product, rounded to 64 bits.
    fn times(self, other: Float) -> Float {
        let product = u128::from(self.frac) * u128::from(other.frac);
        let frac = ((product + (1 << 63)) >> 64) as u64;
        Float { frac, exp: self.exp + other.exp + 64 }
    }
}

/// Grisu2: the digits of a finite positive `value` and the power of ten that they are multiplied
/// with. Gives the number of digits and that power.
fn shortest_digits(value: f64, digits: &mut [u8; MAX_DIGITS]) -> (usize, i32) {
    const HIDDEN_BIT: u64 = 1 << 52;
    let bits = value.to_bits();
    let fraction = bits & (HIDDEN_BIT - 1);
    let biased = (bits >> 52) as i32;
    let exact = match biased {
        0 => Float { frac: fraction, exp: -1074 },
        _ => Float { frac: fraction | HIDDEN_BIT, exp: biased - 1075 },
    };
    // Half-way to the neighbours: what lies between reads back as `value`. The one below is nearer
    // at a power of two.
    let above = Float { frac: 2 * exact.frac + 1, exp: exact.exp - 1 }.normalized();
    let down = if exact.frac == HIDDEN_BIT { 2 } else { 1 };
    let below = Float { frac: (exact.frac << down) - 1, exp: exact.exp - down };
    let below = Float { frac: below.frac << (below.exp - above.exp), exp: above.exp };

    let (power, power_exponent) = cached_power(above.exp);
    let exact = exact.normalized().times(power);
    let mut above = above.times(power);
    let mut below = below.times(power);
    // The products are off by less than one unit: stay within.
    above.frac -= 1;
    below.frac += 1;
    let (count, exponent) = generate_digits(exact.frac, above, below.frac, digits);
    (count, exponent - power_exponent)
}

/// Writes digits of `above` from the left until what is left out is less than the way down to
/// `below`, then walks the last digit towards `exact`.
fn generate_digits(
    exact: u64,
    above: Float,
    below: u64,
    digits: &mut [u8; MAX_DIGITS],
) -> (usize, i32) {
    let shift = -above.exp as u32;
    let one = 1_u64 << shift;
    let mut distance = above.frac - exact;
    let mut allowed = above.frac - below;
    let mut whole = above.frac >> shift;
    let mut part = above.frac & (one - 1);
    let mut count = 0;
    let mut push = |digit: u64, count: &mut usize| {
        if digit > 0 || *count > 0 {
            digits[*count] = b'0' + digit as u8;
            *count += 1;
        }
    };
    let mut unit = 1_000_000_000;
    for exponent in (0..10).rev() {
        push(whole / unit, &mut count);
        whole %= unit;
        let left = (whole << shift) + part;
        if left <= allowed {
            approach(&mut digits[count - 1], allowed, left, unit << shift, distance);
            return (count, exponent);
        }
        unit /= 10;
    }
    let mut exponent = 0;
    loop {
        part *= 10;
        allowed *= 10;
        distance = distance.wrapping_mul(10);
        exponent -= 1;
        push(part >> shift, &mut count);
        part &= one - 1;
        if part < allowed {
            approach(&mut digits[count - 1], allowed, part, one, distance);
            return (count, exponent);
        }
    }
}

/// Lowers the last digit while that brings the number, `left` below the upper bound, closer to the
/// exact value, `distance` below it, and keeps it within the `allowed` distance.
fn approach(last: &mut u8, allowed: u64, mut left: u64, unit: u64, distance: u64) {
    while left < distance
        && allowed - left >= unit
        && (left + unit < distance || distance - left > left + unit - distance)
    {
        *last -= 1;
        left += unit;
    }
}

/// A power of ten, and its exponent, that brings a number with binary exponent `exp` to one between
/// 2^-60 and 2^-32.
fn cached_power(exp: i32) -> (Float, i32) {
    const LOG10_OF_2: f64 = 0.301_029_995_663_981_14;
    let estimate = -f64::from(exp + POWERS_OF_TEN.len() as i32) * LOG10_OF_2;
    let mut index = ((estimate - f64::from(FIRST_POWER)) / f64::from(POWER_STEP)) as usize;
    loop {
        let (frac, power_exp) = POWERS_OF_TEN[index];
        let reached = exp + power_exp + 64;
        if reached < -60 {
            index += 1;
        } else if reached > -32 {
            index -= 1;
        } else {
            let power = Float { frac, exp: power_exp };
            return (power, FIRST_POWER + index as i32 * POWER_STEP);
        }
    }
}

const FIRST_POWER: i32 = -348;
const POWER_STEP: i32 = 8;

/// 10^-348, 10^-340 … 10^340 as `frac` × 2^`exp`, rounded to 64 bits. The tests compute them anew.
const POWERS_OF_TEN: [(u64, i32); 87] = [
    (0xfa8f_d5a0_081c_0288, -1220),
    (0xbaae_e17f_a23e_bf76, -1193),
    (0x8b16_fb20_3055_ac76, -1166),
    (0xcf42_894a_5dce_35ea, -1140),
    (0x9a6b_b0aa_5565_3b2d, -1113),
    (0xe61a_cf03_3d1a_45df, -1087),
    (0xab70_fe17_c79a_c6ca, -1060),
    (0xff77_b1fc_bebc_dc4f, -1034),
    (0xbe56_91ef_416b_d60c, -1007),
    (0x8dd0_1fad_907f_fc3c, -980),
    (0xd351_5c28_3155_9a83, -954),
    (0x9d71_ac8f_ada6_c9b5, -927),
    (0xea9c_2277_23ee_8bcb, -901),
    (0xaecc_4991_4078_536d, -874),
    (0x823c_1279_5db6_ce57, -847),
    (0xc210_9436_4dfb_5637, -821),
    (0x9096_ea6f_3848_984f, -794),
    (0xd774_85cb_2582_3ac7, -768),
    (0xa086_cfcd_97bf_97f4, -741),
    (0xef34_0a98_172a_ace5, -715),
    (0xb238_67fb_2a35_b28e, -688),
    (0x84c8_d4df_d2c6_3f3b, -661),
    (0xc5dd_4427_1ad3_cdba, -635),
    (0x936b_9fce_bb25_c996, -608),
    (0xdbac_6c24_7d62_a584, -582),
    (0xa3ab_6658_0d5f_daf6, -555),
    (0xf3e2_f893_dec3_f126, -529),
    (0xb5b5_ada8_aaff_80b8, -502),
    (0x8762_5f05_6c7c_4a8b, -475),
    (0xc9bc_ff60_34c1_3053, -449),
    (0x964e_858c_91ba_2655, -422),
    (0xdff9_7724_7029_7ebd, -396),
    (0xa6df_bd9f_b8e5_b88f, -369),
    (0xf8a9_5fcf_8874_7d94, -343),
    (0xb944_7093_8fa8_9bcf, -316),
    (0x8a08_f0f8_bf0f_156b, -289),
    (0xcdb0_2555_6531_31b6, -263),
    (0x993f_e2c6_d07b_7fac, -236),
    (0xe45c_10c4_2a2b_3b06, -210),
    (0xaa24_2499_6973_92d3, -183),
    (0xfd87_b5f2_8300_ca0e, -157),
    (0xbce5_0864_9211_1aeb, -130),
    (0x8cbc_cc09_6f50_88cc, -103),
    (0xd1b7_1758_e219_652c, -77),
    (0x9c40_0000_0000_0000, -50),
    (0xe8d4_a510_0000_0000, -24),
    (0xad78_ebc5_ac62_0000, 3),
    (0x813f_3978_f894_0984, 30),
    (0xc097_ce7b_c907_15b3, 56),
    (0x8f7e_32ce_7bea_5c70, 83),
    (0xd5d2_38a4_abe9_8068, 109),
    (0x9f4f_2726_179a_2245, 136),
    (0xed63_a231_d4c4_fb27, 162),
    (0xb0de_6538_8cc8_ada8, 189),
    (0x83c7_088e_1aab_65db, 216),
    (0xc45d_1df9_4271_1d9a, 242),
    (0x924d_692c_a61b_e758, 269),
    (0xda01_ee64_1a70_8dea, 295),
    (0xa26d_a399_9aef_774a, 322),
    (0xf209_787b_b47d_6b85, 348),
    (0xb454_e4a1_79dd_1877, 375),
    (0x865b_8692_5b9b_c5c2, 402),
    (0xc835_53c5_c896_5d3d, 428),
    (0x952a_b45c_fa97_a0b3, 455),
    (0xde46_9fbd_99a0_5fe3, 481),
    (0xa59b_c234_db39_8c25, 508),
    (0xf6c6_9a72_a398_9f5c, 534),
    (0xb7dc_bf53_54e9_bece, 561),
    (0x88fc_f317_f222_41e2, 588),
    (0xcc20_ce9b_d35c_78a5, 614),
    (0x9816_5af3_7b21_53df, 641),
    (0xe2a0_b5dc_971f_303a, 667),
    (0xa8d9_d153_5ce3_b396, 694),
    (0xfb9b_7cd9_a4a7_443c, 720),
    (0xbb76_4c4c_a7a4_4410, 747),
    (0x8bab_8eef_b640_9c1a, 774),
    (0xd01f_ef10_a657_842c, 800),
    (0x9b10_a4e5_e991_3129, 827),
    (0xe710_9bfb_a19c_0c9d, 853),
    (0xac28_20d9_623b_f429, 880),
    (0x8044_4b5e_7aa7_cf85, 907),
    (0xbf21_e440_03ac_dd2d, 933),
    (0x8e67_9c2f_5e44_ff8f, 960),
    (0xd433_179d_9c8c_b841, 986),
    (0x9e19_db92_b4e3_1ba9, 1013),
    (0xeb96_bf6e_badf_77d9, 1039),
    (0xaf87_023b_9bf0_ee6b, 1066),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(value: f64) -> String {
        let mut out = Vec::new();
        format_double(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// As `ZSCORE` of Valkey 9.1 and Redis 8.2 replies for a score in a skiplist.
    #[test]
    fn prints_as_redis_does() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.5, "1.5"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (1e-5, "0.00001"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.23e-5, "1.23e-5"),
            (0.0001234567, "1.234567e-4"),
            (1234.5678901234567, "1234.5678901234567"),
            (-12345.678901234567, "-1.2345678901234567e+4"),
            (123456789012.5, "123456789012.5"),
            (1e18, "1000000000000000000"),
            (4611686018427387904.0, "4611686018427387904"),
            (4611686018427388928.0, "4611686018427389000"),
            (9.3e18, "9.3e+18"),
            (1.2345678901234567e22, "12345678901234568000000"),
            (1e22, "1e+22"),
            (1e23, "99999999999999990000000"),
            (281.56447, "281.56446999999997"),
            (-2.6413219225507643e-56, "-2.6413219225507642e-56"),
            (3e300, "3e+300"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ];
        for (value, expected) in cases {
            assert_eq!(text(value), expected);
        }
    }

    /// A number from little-endian 32-bit limbs: enough of big integers to check the table.
    fn power_of(base: u32, exponent: u32) -> Vec<u32> {
        let mut limbs = vec![1];
        for _ in 0..exponent {
            let mut carry = 0;
            for limb in &mut limbs {
                let product = u64::from(*limb) * u64::from(base) + carry;
                *limb = product as u32;
                carry = product >> 32;
            }
            if carry > 0 {
                limbs.push(carry as u32);
            }
        }
        limbs
    }

    /// The table's powers from 10^4 on, from exact ones.
    #[test]
    fn positive_powers_are_rounded_exact_ones() {
        for (index, &(frac, exp)) in POWERS_OF_TEN.iter().enumerate() {
            let power = FIRST_POWER + index as i32 * POWER_STEP;
            if power < 0 {
                continue;
            }
            let exact = power_of(10, power as u32);
            let bit = |at: i32| at >= 0 && exact[at as usize / 32] >> (at % 32) & 1 == 1;
            let mut rounded: u64 = 0;
            for at in (exp..exp + 64).rev() {
                rounded = rounded << 1 | u64::from(bit(at));
            }
            rounded += u64::from(bit(exp - 1));
            assert_eq!(frac, rounded, "10^{power}");
        }
    }

    /// The table's negative powers: 10^-p × 10^p is 1, within the error of two roundings.
    #[test]
    fn negative_powers_are_inverse_to_positive_ones() {
        for index in 1..POWERS_OF_TEN.len() / 2 {
            let (small, small_exp) = POWERS_OF_TEN[index];
            let (large, large_exp) = POWERS_OF_TEN[POWERS_OF_TEN.len() - index];
            let one = 1_u128 << -(small_exp + large_exp);
            let product = u128::from(small) * u128::from(large);
            assert!(product.abs_diff(one) <= 1 << 64, "index {index}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn reads_back_exactly(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(!value.is_nan());
            prop_assert_eq!(text(value).parse::<f64>().unwrap().to_bits(), bits);
        }
    }
}
