'use strict';

/**
 * A second reading of the spellings of IPv4 addresses: one part fills all bytes that are left.
 *
 * @param {string} text
 * @returns {string | undefined}
 */
function addressOf(text) {
  const parts = text.endsWith('.') ? text.slice(0, -1).split('.') : text.split('.');
  if (parts.length > 4) return undefined;
  let total = 0n;
  for (const [index, part] of parts.entries()) {
    const number = numberOf(part);
    const isLast = index === parts.length - 1;
    const bytes = isLast ? 4 - index : 1;
    if (number === undefined || number >= 1n << BigInt(8 * bytes)) return undefined;
    total += number << BigInt(isLast ? 0 : 8 * (3 - index));
  }
  return [24n, 16n, 8n, 0n].map((shift) => (total >> shift) & 255n).join('.');
}

/** @param {string} part */
function numberOf(part) {
  const [base, digits] = /^0[xX]/.test(part)
    ? [16n, part.slice(2)]
    : part.length > 1 && part.startsWith('0')
      ? [8n, part.slice(1)]
      : [10n, part || 'none'];
  let number = 0n;
  for (const digit of digits.toLowerCase()) {
    const value = BigInt('0123456789abcdef'.indexOf(digit));
    if (value < 0n || value >= base) return undefined;
    number = number * base + value;
  }
  return number;
}

module.exports = { addressOf };
