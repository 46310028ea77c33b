using System.Collections.Immutable;

namespace DistNet.Data;

/// <summary>The literal of Python's in an npy header, read as far as NumPy writes it: three keys in any order.</summary>
/// <param name="Type">The value of <c>descr</c>.</param>
/// <param name="IsFortranOrder">The value of <c>fortran_order</c>.</param>
/// <param name="Shape">The numbers of <c>shape</c>, as written.</param>
internal sealed record NpyLiteral(string Type, bool IsFortranOrder, ImmutableArray<string> Shape)
{
    /// <summary>Reads the literal.</summary>
    /// <param name="text">The header's text.</param>
    /// <param name="shown">The array, for messages.</param>
    /// <exception cref="DistNetException">It is another.</exception>
    public static NpyLiteral Read(string text, string shown)
    {
        Cursor cursor = new(text, shown);
        string? type = null;
        bool? isFortranOrder = null;
        ImmutableArray<string> shape = default;
        cursor.Take('{');
        while (!cursor.TryTake('}'))
        {
            string key = cursor.Quoted();
            cursor.Take(':');
            switch (key)
            {
                case "descr" when type is null:
                    type = cursor.Quoted();
                    break;
                case "fortran_order" when isFortranOrder is null:
                    isFortranOrder = cursor.Word() switch { "True" => true, "False" => false, _ => throw cursor.Wrong() };
                    break;
                case "shape" when shape.IsDefault:
                    shape = cursor.Tuple();
                    break;
                default:
                    throw cursor.Wrong();
            }

            if (!cursor.TryTake(','))
            {
                cursor.Take('}');
                break;
            }
        }

        cursor.End();
        return type is not null && isFortranOrder is { } order && !shape.IsDefault ? new NpyLiteral(type, order, shape) : throw cursor.Wrong();
    }

    private sealed class Cursor(string text, string shown)
    {
        private int place;

        public DistNetException Wrong() => DistNetException.BadInput(
            $"{shown} has a header that is not understood at its character {place}; expected {{'descr': …, 'fortran_order': …, 'shape': …}} with a plain element type.");

        public bool TryTake(char symbol)
        {
            Skip();
            if (place == text.Length || text[place] != symbol)
            {
                return false;
            }

            place++;
            return true;
        }

        public void Take(char symbol)
        {
            if (!TryTake(symbol))
            {
                throw Wrong();
            }
        }

        public string Quoted()
        {
            char quote = TryTake('\'') ? '\'' : TryTake('"') ? '"' : throw Wrong();
            int end = text.IndexOf(quote, place);
            if (end < 0)
            {
                throw Wrong();
            }

            string quoted = text[place..end];
            place = end + 1;
            return quoted;
        }

        public string Word()
        {
            Skip();
            int start = place;
            while (place < text.Length && char.IsAsciiLetterOrDigit(text[place]))
            {
                place++;
            }

            return text[start..place];
        }

        public ImmutableArray<string> Tuple()
        {
            Take('(');
            var items = ImmutableArray.CreateBuilder<string>();
            while (!TryTake(')'))
            {
                items.Add(Word() is { Length: > 0 } word ? word : throw Wrong());
                if (!TryTake(','))
                {
                    Take(')');
                    break;
                }
            }

            return items.ToImmutable();
        }

        public void End()
        {
            Skip();
            if (place != text.Length)
            {
                throw Wrong();
            }
        }

        private void Skip()
        {
            while (place < text.Length && text[place] is ' ' or '\n')
            {
                place++;
            }
        }
    }
}
