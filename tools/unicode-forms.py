# Writes src/Aerie/Text/Components/UnicodeForms.txt from Python's Unicode tables: what tokenizers' NFC, NFD, NFKC and NFKD need.
# Run from the repository's root: python3 tools/unicode-forms.py > src/Aerie/Text/Components/UnicodeForms.txt
#   00E9=0065 0301   canonical decomposition that is also composed      0340-0300   one that is not
#   FB01~0066 0069   compatibility decomposition                        0301:230    combining class
import sys
import unicodedata

for code in range(sys.maxunicode + 1):
    c = chr(code)
    if 0xAC00 <= code < 0xD7A4 or 0xD800 <= code < 0xE000:
        continue  # Hangul syllables follow a rule
    parts = unicodedata.decomposition(c).split()
    if parts:
        compatible = parts[0].startswith("<")
        composed = not compatible and len(parts) == 2 and unicodedata.normalize("NFC", c) == c
        sign = "~" if compatible else "=" if composed else "-"
        print(f"{code:04X}{sign}{' '.join(parts[1:] if compatible else parts)}")
    if unicodedata.combining(c):
        print(f"{code:04X}:{unicodedata.combining(c)}")
