//! The numbers of the GGUF and GGML formats: metadata value types, tensor types and their sizes.

/// Bytes of one metadata value of this type, when its size is fixed.
pub(super) fn value_size(kind: u32) -> Option<u64> {
    Some(match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        10..=12 => 8,
        _ => return None,
    })
}

/// Value type of a string.
pub(super) const STRING: u32 = 8;
/// Value type of an array.
pub(super) const ARRAY: u32 = 9;

/// A tensor type: its name, and how many bytes hold how many elements.
pub(super) struct TensorType {
    pub name: &'static str,
    pub block: u64,
    pub bytes: u64,
}

/// Number, name, elements of a block, bytes of a block. Source: `GGML_QUANT_SIZES` of gguf 0.19 and, for
/// the types that were removed since, ggml of 2024.
const TENSOR_TYPES: [(u32, &str, u64, u64); 42] = [
    (0, "F32", 1, 4),
    (1, "F16", 1, 2),
    (2, "Q4_0", 32, 18),
    (3, "Q4_1", 32, 20),
    (4, "Q4_2", 16, 10),
    (5, "Q4_3", 16, 12),
    (6, "Q5_0", 32, 22),
    (7, "Q5_1", 32, 24),
    (8, "Q8_0", 32, 34),
    (9, "Q8_1", 32, 40),
    (10, "Q2_K", 256, 84),
    (11, "Q3_K", 256, 110),
    (12, "Q4_K", 256, 144),
    (13, "Q5_K", 256, 176),
    (14, "Q6_K", 256, 210),
    (15, "Q8_K", 256, 292),
    (16, "IQ2_XXS", 256, 66),
    (17, "IQ2_XS", 256, 74),
    (18, "IQ3_XXS", 256, 98),
    (19, "IQ1_S", 256, 50),
    (20, "IQ4_NL", 32, 18),
    (21, "IQ3_S", 256, 110),
    (22, "IQ2_S", 256, 82),
    (23, "IQ4_XS", 256, 136),
    (24, "I8", 1, 1),
    (25, "I16", 1, 2),
    (26, "I32", 1, 4),
    (27, "I64", 1, 8),
    (28, "F64", 1, 8),
    (29, "IQ1_M", 256, 56),
    (30, "BF16", 1, 2),
    (31, "Q4_0_4_4", 32, 18),
    (32, "Q4_0_4_8", 32, 18),
    (33, "Q4_0_8_8", 32, 18),
    (34, "TQ1_0", 256, 54),
    (35, "TQ2_0", 256, 66),
    (36, "IQ4_NL_4_4", 32, 18),
    (37, "IQ4_NL_4_8", 32, 18),
    (38, "IQ4_NL_8_8", 32, 18),
    (39, "MXFP4", 32, 17),
    (40, "NVFP4", 64, 36),
    (41, "Q1_0", 128, 18),
];

/// The tensor type of this number.
pub(super) fn tensor_type(number: u32) -> Option<TensorType> {
    TENSOR_TYPES
        .iter()
        .find(|(known, ..)| *known == number)
        .map(|(_, name, block, bytes)| TensorType { name, block: *block, bytes: *bytes })
}
