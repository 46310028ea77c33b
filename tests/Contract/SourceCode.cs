using System.Text;

namespace DistNet.Contract.Tests;

/// <summary>C# source as a scan needs it: comments and the content of literals are blanked, line breaks stay, so that a finding has its line.</summary>
internal static class SourceCode
{
    /// <summary>The source with every character of a comment, string or character literal replaced by a space.</summary>
    /// <remarks>The holes of interpolated strings are blanked too: the rules look for statements, which stand elsewhere.</remarks>
    public static string WithoutCommentsAndLiterals(string source)
    {
        StringBuilder code = new(source.Length);
        int at = 0;
        while (at < source.Length)
        {
            int end = EndOfCommentOrLiteral(source, at);
            if (end == at)
            {
                code.Append(source[at]);
                at++;
                continue;
            }

            for (; at < end; at++)
            {
                code.Append(source[at] is '\n' or '\r' ? source[at] : ' ');
            }
        }

        return code.ToString();
    }

    /// <summary>The 1-based line of a position.</summary>
    public static int LineOf(string source, int position) => 1 + source.AsSpan(0, position).Count('\n');

    private static int EndOfCommentOrLiteral(string source, int at)
    {
        ReadOnlySpan<char> rest = source.AsSpan(at);
        if (rest.StartsWith("//"))
        {
            return After(source, at, "\n") - (source.IndexOf('\n', at) < 0 ? 0 : 1);
        }

        if (rest.StartsWith("/*"))
        {
            return After(source, at + 2, "*/");
        }

        if (rest.StartsWith("\"\"\""))
        {
            int quotes = rest.IndexOfAnyExcept('"') is int count && count >= 0 ? count : rest.Length;
            return After(source, at + quotes, new string('"', quotes));
        }

        return rest[0] switch
        {
            '"' when IsVerbatim(source, at) => EndOfVerbatim(source, at + 1),
            '"' => EndOfEscaped(source, at + 1, '"'),
            '\'' => EndOfEscaped(source, at + 1, '\''),
            _ => at,
        };
    }

    private static bool IsVerbatim(string source, int quote) =>
        quote > 0 && (source[quote - 1] == '@' || (source[quote - 1] == '$' && quote > 1 && source[quote - 2] == '@'));

    private static int EndOfVerbatim(string source, int at)
    {
        while (at < source.Length)
        {
            if (source[at] != '"')
            {
                at++;
            }
            else if (at + 1 < source.Length && source[at + 1] == '"')
            {
                at += 2;
            }
            else
            {
                return at + 1;
            }
        }

        return at;
    }

    private static int EndOfEscaped(string source, int at, char quote)
    {
        while (at < source.Length && source[at] != quote && source[at] != '\n')
        {
            at += source[at] == '\\' ? 2 : 1;
        }

        return Math.Min(at + 1, source.Length);
    }

    private static int After(string source, int from, string end)
    {
        int found = source.IndexOf(end, from, StringComparison.Ordinal);
        return found < 0 ? source.Length : found + end.Length;
    }
}
