// Package markup has the HTML elements and attributes that the pages use, as
// maragu.dev/gomponents/html names them. The compiler would copy that package's
// functions, with their closures, to each of hundreds of uses, at 850 bytes for an
// element.
package markup

import (
	g "maragu.dev/gomponents"
	"maragu.dev/gomponents/html"
)

// El is an element.
//
//go:noinline
func El(name string, children ...g.Node) g.Node { return g.El(name, children...) }

// Attr is an attribute, with a value or without.
//
//go:noinline
func Attr(name string, value ...string) g.Node { return g.Attr(name, value...) }

// Text is text, which is escaped.
//
//go:noinline
func Text(s string) g.Node { return g.Text(s) }

// Doctype comes before the element html.
//
//go:noinline
func Doctype(sibling g.Node) g.Node { return html.Doctype(sibling) }

// The elements, by their names in HTML.
func A(children ...g.Node) g.Node          { return El("a", children...) }
func B(children ...g.Node) g.Node          { return El("b", children...) }
func Body(children ...g.Node) g.Node       { return El("body", children...) }
func Button(children ...g.Node) g.Node     { return El("button", children...) }
func Code(children ...g.Node) g.Node       { return El("code", children...) }
func Dd(children ...g.Node) g.Node         { return El("dd", children...) }
func Details(children ...g.Node) g.Node    { return El("details", children...) }
func Div(children ...g.Node) g.Node        { return El("div", children...) }
func Dl(children ...g.Node) g.Node         { return El("dl", children...) }
func Dt(children ...g.Node) g.Node         { return El("dt", children...) }
func FieldSet(children ...g.Node) g.Node   { return El("fieldset", children...) }
func FigCaption(children ...g.Node) g.Node { return El("figcaption", children...) }
func Figure(children ...g.Node) g.Node     { return El("figure", children...) }
func Footer(children ...g.Node) g.Node     { return El("footer", children...) }
func Form(children ...g.Node) g.Node       { return El("form", children...) }
func H1(children ...g.Node) g.Node         { return El("h1", children...) }
func H2(children ...g.Node) g.Node         { return El("h2", children...) }
func HTML(children ...g.Node) g.Node       { return El("html", children...) }
func Head(children ...g.Node) g.Node       { return El("head", children...) }
func Img(children ...g.Node) g.Node        { return El("img", children...) }
func Input(children ...g.Node) g.Node      { return El("input", children...) }
func Label(children ...g.Node) g.Node      { return El("label", children...) }
func Legend(children ...g.Node) g.Node     { return El("legend", children...) }
func Li(children ...g.Node) g.Node         { return El("li", children...) }
func Link(children ...g.Node) g.Node       { return El("link", children...) }
func Main(children ...g.Node) g.Node       { return El("main", children...) }
func Meta(children ...g.Node) g.Node       { return El("meta", children...) }
func Ol(children ...g.Node) g.Node         { return El("ol", children...) }
func Option(children ...g.Node) g.Node     { return El("option", children...) }
func P(children ...g.Node) g.Node          { return El("p", children...) }
func Script(children ...g.Node) g.Node     { return El("script", children...) }
func Section(children ...g.Node) g.Node    { return El("section", children...) }
func Select(children ...g.Node) g.Node     { return El("select", children...) }
func Small(children ...g.Node) g.Node      { return El("small", children...) }
func Span(children ...g.Node) g.Node       { return El("span", children...) }
func StyleEl(children ...g.Node) g.Node    { return El("style", children...) }
func Summary(children ...g.Node) g.Node    { return El("summary", children...) }
func TitleEl(children ...g.Node) g.Node    { return El("title", children...) }

// The attributes, by their names in HTML.
func Accept(v string) g.Node       { return Attr("accept", v) }
func Action(v string) g.Node       { return Attr("action", v) }
func Alt(v string) g.Node          { return Attr("alt", v) }
func Aria(name, v string) g.Node   { return Attr("aria-"+name, v) }
func AutoComplete(v string) g.Node { return Attr("autocomplete", v) }
func AutoFocus() g.Node            { return Attr("autofocus") }
func Charset(v string) g.Node      { return Attr("charset", v) }
func Checked() g.Node              { return Attr("checked") }
func Class(v string) g.Node        { return Attr("class", v) }
func Content(v string) g.Node      { return Attr("content", v) }
func Data(name, v string) g.Node   { return Attr("data-"+name, v) }
func Defer() g.Node                { return Attr("defer") }
func Dir(v string) g.Node          { return Attr("dir", v) }
func Disabled() g.Node             { return Attr("disabled") }
func EncType(v string) g.Node      { return Attr("enctype", v) }
func For(v string) g.Node          { return Attr("for", v) }
func Hidden(v string) g.Node       { return Attr("hidden", v) }
func Href(v string) g.Node         { return Attr("href", v) }
func ID(v string) g.Node           { return Attr("id", v) }
func Lang(v string) g.Node         { return Attr("lang", v) }
func Loading(v string) g.Node      { return Attr("loading", v) }
func MaxLength(v string) g.Node    { return Attr("maxlength", v) }
func Method(v string) g.Node       { return Attr("method", v) }
func Name(v string) g.Node         { return Attr("name", v) }
func Placeholder(v string) g.Node  { return Attr("placeholder", v) }
func Rel(v string) g.Node          { return Attr("rel", v) }
func Required() g.Node             { return Attr("required") }
func Role(v string) g.Node         { return Attr("role", v) }
func Selected() g.Node             { return Attr("selected") }
func Src(v string) g.Node          { return Attr("src", v) }
func Target(v string) g.Node       { return Attr("target", v) }
func Type(v string) g.Node         { return Attr("type", v) }
func Value(v string) g.Node        { return Attr("value", v) }
