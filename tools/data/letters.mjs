// SPDX-License-Identifier: Apache-2.0
//
// Spelling names with a-z for e-mail addresses, and Serbian names in Cyrillic.
const single = {
  ß: 'ss', æ: 'ae', ø: 'o', å: 'a', œ: 'oe', đ: 'dj', ł: 'l', ı: 'i', ð: 'd', þ: 'th',
  а: 'a', б: 'b', в: 'v', г: 'h', ґ: 'g', д: 'd', е: 'e', є: 'ie', ж: 'zh', з: 'z', и: 'y', і: 'i', ї: 'i', й: 'i', к: 'k',
  л: 'l', м: 'm', н: 'n', о: 'o', п: 'p', р: 'r', с: 's', т: 't', у: 'u', ф: 'f', х: 'kh', ц: 'ts', ч: 'ch', ш: 'sh',
  щ: 'shch', ь: '', ю: 'iu', я: 'ia',
  ا: 'a', آ: 'a', أ: 'a', إ: 'e', ب: 'b', پ: 'p', ت: 't', ث: 's', ج: 'j', چ: 'ch', ح: 'h', خ: 'kh', د: 'd', ذ: 'z', ر: 'r', ز: 'z',
  ژ: 'zh', س: 's', ش: 'sh', ص: 's', ض: 'z', ط: 't', ظ: 'z', ع: 'a', غ: 'gh', ف: 'f', ق: 'gh', ک: 'k', ك: 'k', گ: 'g', ل: 'l',
  م: 'm', ن: 'n', و: 'o', ه: 'h', ة: 'e', ی: 'i', ي: 'i', ئ: 'e', ء: '', ؤ: 'o', 'ّ': '', 'َ': 'a', 'ِ': 'e', 'ُ': 'o',
};
const consonant = /^[bptsjhkdrzfgmnlqcv]/;

// Persian writes no short vowels: put an "a" between two consonants, as most readers would.
function withVowels(parts) {
  let text = '';
  for (const part of parts) {
    const before = text.slice(-1);
    if (consonant.test(part) && before && /[bptsjhkdrzfgmnlqcv]/.test(before)) text += 'a';
    text += part;
  }
  return text;
}

export function toAscii(name) {
  const persian = /[\u0600-\u06ff]/.test(name);
  const lower = name.toLowerCase().replace(/ä/g, 'ae').replace(/ö/g, 'oe').replace(/ü/g, 'ue').replace(/ё/g, 'e');
  const parts = [...(/[\u0400-\u04ff\u0600-\u06ff]/.test(lower) ? lower : lower.normalize('NFD'))].map((c) =>
    c in single ? single[c] : /[a-z]/.test(c) ? c : '');
  return persian ? withVowels(parts.filter(Boolean)) : parts.join('');
}

const pairs = { lj: 'љ', nj: 'њ', dž: 'џ' };
const letters = {
  a: 'а', b: 'б', v: 'в', g: 'г', d: 'д', đ: 'ђ', e: 'е', ž: 'ж', z: 'з', i: 'и', j: 'ј', k: 'к', l: 'л', m: 'м', n: 'н', o: 'о',
  p: 'п', r: 'р', s: 'с', t: 'т', ć: 'ћ', u: 'у', f: 'ф', h: 'х', c: 'ц', č: 'ч', š: 'ш',
};
export function serbianCyrillic(text) {
  let result = '';
  for (let i = 0; i < text.length; i++) {
    const two = text.slice(i, i + 2);
    const pair = pairs[two.toLowerCase()];
    const made = pair ?? letters[text[i].toLowerCase()] ?? text[i];
    result += text[i] !== text[i].toLowerCase() ? made.toUpperCase() : made;
    if (pair) i++;
  }
  return result;
}
