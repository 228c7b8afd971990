package words

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var placeholder = regexp.MustCompile(`\{\w+\}`)

// base is a key without the category of a plural's form.
func base(key string) string {
	for _, c := range categories {
		if b, ok := strings.CutSuffix(key, "."+c); ok {
			return b
		}
	}
	return key
}

// No language lacks a text, has one too many, or loses a value that belongs into
// one.
func TestNoneIsMissing(t *testing.T) {
	en := English()
	want := map[string]bool{}
	for _, k := range en.Keys() {
		want[base(k)] = true
	}
	if len(want) < 120 {
		t.Fatalf("only %d texts", len(want))
	}
	for _, code := range Languages() {
		w, err := For(code)
		if err != nil {
			t.Fatal(err)
		}
		has := map[string]bool{}
		if code != Default { // other programs get English
			for k := range want {
				has[k] = has[k] || strings.HasPrefix(k, "api.")
			}
			if slices.ContainsFunc(w.Keys(), func(k string) bool { return strings.HasPrefix(k, "api.") }) {
				t.Errorf("%s: [api] is in English alone", code)
			}
		}
		for _, k := range w.Keys() {
			has[base(k)] = true
			if strings.TrimSpace(w.texts[k]) == "" {
				t.Errorf("%s: %s is empty", code, k)
			}
			english, ok := en.texts[k]
			if !ok {
				english = en.texts[base(k)+".other"]
			}
			got, need := placeholder.FindAllString(w.texts[k], -1), placeholder.FindAllString(english, -1)
			slices.Sort(got)
			slices.Sort(need)
			if !slices.Equal(got, need) && base(k) == k {
				t.Errorf("%s: %s has the values %v, want %v", code, k, got, need)
			}
		}
		if !maps.Equal(has, want) {
			for k := range want {
				if !has[k] {
					t.Errorf("%s: %s is missing", code, k)
				}
			}
			for k := range has {
				if !want[k] {
					t.Errorf("%s: %s is one too many", code, k)
				}
			}
		}
		if len(w.months) != 12 || len(w.weekdays) != 7 || w.Name == "" {
			t.Errorf("%s: %d months, %d weekdays, name %q", code, len(w.months), len(w.weekdays), w.Name)
		}
	}
	for code, want := range map[string]string{"de_DE": "de", "DE": "de", "de-AT": "de", "zh": "zh-Hans", "zh-CN": "zh-Hans", "es-MX": "es", "zh-Hant": "", "": "", "ko": ""} {
		if w, err := For(code); (err == nil) != (want != "") || err == nil && w.Code != want {
			t.Errorf("%q: %v, %v, want %q", code, w, err, want)
		}
	}
}

// Every text is used somewhere, and every text that is used is there.
func TestKeysAreUsed(t *testing.T) {
	var sources strings.Builder
	for _, pattern := range []string{"../../device/*.go", "../../device/*/*.go", "../../cmd/pickerd/*.go", "../../oauthdevice/gateway/*.go", "../*/*.go", "../web/assets/*"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(data)
		}
	}
	text := sources.String()
	relay, err := os.ReadFile("../../device/phone/assets/relay.html") // its own test looks for its keys
	if err != nil {
		t.Fatal(err)
	}
	used := text + string(relay)
	en := English()
	for _, k := range en.Keys() {
		group, name, _ := strings.Cut(base(k), ".")
		name, _, _ = strings.Cut(name, ".")
		composed := group == "notice" && strings.Contains(text, `Code: "`+name+`"`) || name == "state_damaged" ||
			strings.HasPrefix(name, "state_") || strings.HasPrefix(name, "way_") ||
			group == "settings" // names of keys, see configs.Setting.Words
		if !composed && !strings.Contains(used, `"`+name+`"`) && !strings.Contains(used, `"`+group+"."+name+`"`) && !strings.Contains(used, "texts."+name) {
			t.Errorf("%s is used nowhere", k)
		}
	}
	for _, m := range regexp.MustCompile(`"((?:page|screen|signin|displays|remote|phone|relay|gateway|api|notice)\.[a-z_]+)"`).FindAllStringSubmatch(text, -1) {
		if m[1] != "screen.json" && m[1] != "phone.css" && m[1] != "gateway.css" && m[1] != "gateway.db" && !en.Has(m[1]) && !en.Has(m[1]+".other") && !en.Has(m[1]+".title") && !en.Has(m[1]+".message") && !strings.HasSuffix(m[1], "_") {
			t.Errorf("%s is used and has no text", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`\bsay\("([a-z_]+)"`).FindAllStringSubmatch(text, -1) {
		if !en.Has("page."+m[1]) && !en.Has("screen."+m[1]) && !strings.HasSuffix(m[1], "_") {
			t.Errorf("say(%q) has no text", m[1])
		}
	}
}

// People in the room know photos, videos and accounts. They know nothing of
// sessions, tokens and operators.
func TestPlainEnglish(t *testing.T) {
	jargon := regexp.MustCompile(`(?i)\b(sessions?|tokens?|operators?)\b`)
	commands := strings.NewReplacer("import-token", "", "token.age", "")
	en := English()
	for _, k := range en.Keys() {
		if !strings.HasPrefix(k, "api.") && jargon.MatchString(commands.Replace(en.texts[k])) {
			t.Errorf("%s: %q", k, en.texts[k])
		}
	}
	for wrong, want := range map[string]bool{"its operator": true, "Sessions": true, "token.age": false, "sign-in": false} {
		if got := jargon.MatchString(commands.Replace(wrong)); got != want {
			t.Errorf("%q: %v", wrong, got)
		}
	}
}

// A phone gets the first of its languages that there is.
func TestAccepted(t *testing.T) {
	ja, err := For("ja")
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]string{
		"": "ja", "de": "de", "de-AT,de;q=0.9,en;q=0.8": "de", "en;q=0.5, fr": "fr", "ko, pt;q=0.9, es-419;q=0.8": "es",
		"zh-TW, hi;q=0.5": "hi", "zh-CN": "zh-Hans", "ko": "ja", "*": "ja", "en-GB": "en", "ar-EG": "ar", "bn-IN": "bn", "sv, es;q=0": "ja", "!?;,,": "ja",
		strings.Repeat("x-", 5000): "ja",
	} {
		if got := Accepted(header, ja).Code; got != want {
			t.Errorf("%.40q: %s, want %s", header, got, want)
		}
	}
}

// Photos and videos are counted apart, each with the language's own forms.
func TestReceiptForms(t *testing.T) {
	for code, want := range map[string]string{
		"ar":      "تمت إضافة \u206812 صورة\u2069 و\u2068مقطعَي فيديو\u2069.",
		"bn":      "১২টি ফটো ও ২টি ভিডিও যোগ করা হয়েছে।",
		"de":      "12 Fotos und 2 Videos hinzugefügt.",
		"en":      "12 photos and 2 videos added.",
		"es":      "Se añadieron 12 fotos y 2 videos.",
		"fr":      "12 photos et 2 vidéos ajoutées.",
		"hi":      "12 फ़ोटो और 2 वीडियो जोड़े गए।",
		"ja":      "12 枚の写真と2 件の動画を追加しました。",
		"zh-Hans": "已添加 12 张照片和 2 个视频。",
	} {
		w, err := For(code)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Say("page.photos_and_videos_added", "photos", w.Count("page.photos", 12), "videos", w.Count("page.videos", 2)); got != want {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
}

func TestForms(t *testing.T) {
	for code, want := range map[string]map[int]string{
		"en": {1: "1 photo added.", 2: "2 photos added.", 0: "0 photos added."},
		"de": {1: "1 Foto hinzugefügt.", 5: "5 Fotos hinzugefügt."},
		"bn": {12: "১২"},
		"ar": {3: "3", 11: "11", 100: "100"},
	} {
		w, err := For(code)
		if err != nil {
			t.Fatal(err)
		}
		for n, text := range want {
			got := w.Count("page.photos_added", n)
			if code == "de" || code == "bn" || code == "ar" {
				if digits := w.Digits(map[int]string{1: "1", 3: "3", 5: "5", 11: "11", 12: "12", 100: "100"}[n]); !strings.Contains(got, digits) && n != 1 {
					t.Errorf("%s, %d: %q", code, n, got)
				}
				continue
			}
			if got != text {
				t.Errorf("%s, %d: %q, want %q", code, n, got, text)
			}
		}
	}
	ar, err := For("ar")
	if err != nil {
		t.Fatal(err)
	}
	if few, many := ar.Count("page.photos_added", 3), ar.Count("page.photos_added", 11); strings.ReplaceAll(few, "3", "") == strings.ReplaceAll(many, "11", "") {
		t.Errorf("Arabic has one form for few and many: %q", few)
	}
	if got := ar.Say("page.pair_title", "name", "TV"); !strings.Contains(got, "\u2068TV\u2069") {
		t.Errorf("a name is not kept apart: %q", got)
	}
}

func TestTimes(t *testing.T) {
	at := time.Date(2026, 3, 9, 7, 5, 0, 0, time.UTC)
	for code, want := range map[string][3]string{
		"en": {"07:05", "Monday 9 March", "9 March 2026"},
		"de": {"07:05", "Montag, 9. März", "9. März 2026"},
		"bn": {"০৭:০৫", "সোমবার, ৯ মার্চ", "৯ মার্চ, ২০২৬"},
		"ja": {"07:05", "3月9日（月曜日）", "2026年3月9日"},
	} {
		w, err := For(code)
		if err != nil {
			t.Fatal(err)
		}
		if got := [3]string{w.Clock(at), w.Date(WeekdayDate, at), w.Day(at)}; got != want {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
	if got := English().Countdown(89*time.Second + 600*time.Millisecond); got != "1:30" {
		t.Errorf("countdown %q", got)
	}
}

func TestSpell(t *testing.T) {
	for code, want := range map[string]string{
		"GQVQ-JKEC": "G, Q, V, Q, dash, J, K, E, C",
		"aB 1":      "small A, B, space, 1",
		"":          "",
	} {
		if got := English().Spell(code); got != want {
			t.Errorf("%q is spelt %q, want %q", code, got, want)
		}
	}
}

// Texts has the texts of a group and nothing else, under keys without the group.
func TestTexts(t *testing.T) {
	w := English()
	got := w.Texts("page")
	if got["pair_title"] == "" {
		t.Error("no text for pair_title")
	}
	for key := range got {
		if !slices.Contains(w.Keys(), "page."+key) {
			t.Errorf("%s is not a text of group page", key)
		}
	}
	if none := w.Texts("pag"); len(none) != 0 {
		t.Errorf("texts of an unknown group: %v", none)
	}
}

// Letters has each letter of a text on screens once, in order.
func TestLetters(t *testing.T) {
	w := English()
	letters := w.Letters()
	for i := 1; i < len(letters); i++ {
		if letters[i] <= letters[i-1] {
			t.Errorf("%q follows %q", letters[i], letters[i-1])
		}
	}
	for _, r := range w.Texts("page")["pair_title"] {
		if !slices.Contains(letters, r) {
			t.Errorf("%q is missing", r)
		}
	}
}
