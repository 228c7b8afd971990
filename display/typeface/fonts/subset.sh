#!/bin/sh
# Makes the embedded fonts from Debian's fonts-noto-core and fonts-noto-cjk with
# fonttools. To be run again when a text of display/words needs a new character
# (a test says so): sh display/typeface/fonts/subset.sh
set -eu
cd "$(dirname "$0")"
noto=/usr/share/fonts/truetype/noto
cjk=/usr/share/fonts/opentype/noto
keep='--layout-features=* --no-hinting --notdef-outline --name-IDs=0,1,2,4,6,13,14'
latin=U+0020-007E,U+00A0-024F,U+0259,U+02B0-02FF,U+0300-036F,U+0370-03FF,U+0400-04FF,U+1E00-1EFF,U+2000-206F,U+20A0-20BF,U+2116,U+2122,U+2190-2199,U+2212,U+25CC,U+FFFD
# ranges are what a script's own language and its neighbours are written with.
ranges() {
  case $1 in
  Arabic) echo U+0020-0021,U+0028-002F,U+003A,U+00A0,U+00AB,U+00BB,U+0600-06FF,U+200C-200F,U+25CC,U+FB50-FBFF,U+FDF2,U+FE70-FEFF ;;
  *) echo '*' ;;
  esac
}
for weight in Regular Bold; do
  pyftsubset $noto/NotoSans-$weight.ttf --unicodes=$latin $keep --output-file=NotoSans-$weight.ttf
  for script in Arabic Bengali Devanagari; do
    pyftsubset $noto/NotoSans$script-$weight.ttf --unicodes="$(ranges $script)" $keep --output-file=NotoSans$script-$weight.ttf
  done
  # The CJK fonts are 20 MB each: only what the interface's own texts on screens
  # need, and both kanas. Phones show theirs in their own fonts. Faces 0 and 2 are
  # Japanese and Simplified Chinese.
  awk '/^\[/ { drop = /^\[(phone|setup\.phone|relay|gateway)\]/ } !drop' ../../words/languages/ja.toml >/tmp/pickerd-letters-ja
  awk '/^\[/ { drop = /^\[(phone|setup\.phone|relay|gateway)\]/ } !drop' ../../words/languages/zh-Hans.toml >/tmp/pickerd-letters-zh
  pyftsubset $cjk/NotoSansCJK-$weight.ttc --font-number=0 --text-file=/tmp/pickerd-letters-ja --unicodes=U+3000-30FF,U+FF00-FFEF --layout-features=kern,locl,ccmp,palt --notdef-outline --no-hinting --name-IDs=0,1,2,4,6,13,14 --output-file=NotoSansJP-$weight.otf
  pyftsubset $cjk/NotoSansCJK-$weight.ttc --font-number=2 --text-file=/tmp/pickerd-letters-zh --unicodes=U+3000-303F,U+FF00-FF0F,U+FF1A-FF1F --layout-features=kern,locl,ccmp,palt --notdef-outline --no-hinting --name-IDs=0,1,2,4,6,13,14 --output-file=NotoSansSC-$weight.otf
  rm -f /tmp/pickerd-letters-ja /tmp/pickerd-letters-zh
done
zopfli --i15 *.ttf *.otf # packs tighter than gzip, in the same format
rm -f *.ttf *.otf
