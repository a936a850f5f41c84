// Rows of training data as people read them: context dim, supervised text coloured, control tokens apart, line ends visible. Where there is
// no colour, supervised text stands in [[ ]].
using System.Globalization;
using Aerie.Data;
using Aerie.Text;
using Spectre.Console;

namespace Aerie.Cli;

sealed class SampleScreen(Screen screen, Tokenizer tokenizer)
{
    static readonly Style Context = new(Color.Grey), ContextSpecial = new(Color.Blue, decoration: Decoration.Dim), Supervised = new(Color.Green), SupervisedSpecial = new(Color.Green, decoration: Decoration.Bold | Decoration.Underline), Remark = new(Color.Yellow);

    public void Legend()
    {
        if (screen.Plain)
        {
            screen.Line("[[supervised]]  context  <|special|>  \u21B5 line end\n");
            return;
        }
        screen.Show(new Paragraph().Append("supervised", Supervised).Append("  ").Append("<|supervised special|>", SupervisedSpecial).Append("  ").Append("context", Context).Append("  ").Append("<|special|>", ContextSpecial).Append("  \u21B5 line end\n"));
        screen.Line();
    }

    /// <summary>A row under its title.</summary>
    public void Show(int number, TokenizedConversation row, string? dropReason)
    {
        var title = string.Create(CultureInfo.InvariantCulture, $"--- {number}  {row.Source}{(row.Domain is null ? "" : $"  {row.Domain}")}  {row.Ids.Length} tokens, {row.Supervised} supervised ({(row.Ids.Length == 0 ? 0 : (double)row.Supervised / row.Ids.Length):0%})");
        screen.Line(title);
        if (screen.Plain) screen.Line(Plain(row));
        else
        {
            var paragraph = new Paragraph();
            foreach (var piece in SamplePieces.Of(row, tokenizer))
                paragraph.Append(Visible(piece.Text), piece switch { { Supervised: true, Special: true } => SupervisedSpecial, { Supervised: true } => Supervised, { Special: true } => ContextSpecial, _ => Context });
            screen.Show(paragraph, wrap: false);
            screen.Line();
        }
        if (row.WasCut) Note($"cut here: {row.FullLength - row.Ids.Length} of {row.FullLength} tokens are beyond the sequence length");
        if (dropReason is not null) Note($"dropped: {dropReason}");
        screen.Line();
    }

    /// <summary>A conversation that gives no row.</summary>
    public void ShowNothing(int number, string source, string reason)
    {
        screen.Line($"--- {number}  {source}");
        Note($"dropped: {reason}");
        screen.Line();
    }

    void Note(string text)
    {
        if (screen.Plain) screen.Line($"({text})");
        else
        {
            screen.Show(new Paragraph(text, Remark));
            screen.Line();
        }
    }

    string Plain(TokenizedConversation row)
    {
        var text = new System.Text.StringBuilder();
        var inside = false;
        foreach (var piece in SamplePieces.Of(row, tokenizer))
        {
            if (piece.Supervised != inside) text.Append(inside ? "]]" : "[[");
            inside = piece.Supervised;
            text.Append(Visible(piece.Text));
        }
        return text.Append(inside ? "]]" : "").ToString().TrimEnd('\n');
    }

    // Line ends are tokens too; other control characters would move the terminal's cursor.
    static string Visible(string text) => string.Concat(text.Select(c => c switch { '\n' => "\u21B5\n", '\t' => "\t", < ' ' or '\u007F' or (>= '\u0080' and < '\u00A0') => $"\\x{(int)c:x2}", _ => c.ToString() }));
}
