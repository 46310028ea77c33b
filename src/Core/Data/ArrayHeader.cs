using System.Collections.Immutable;

namespace DistNet.Data;

/// <summary>What the header of an array of numbers says, and its elements read by it: their size is checked before memory is allocated.</summary>
/// <param name="Kind">What it is an array of: <c>IDX file</c>.</param>
/// <param name="Name">The file, or the array in it.</param>
/// <param name="Dimensions">The shape; empty for a single number.</param>
/// <param name="ElementBytes">Bytes of one element.</param>
/// <param name="Bytes">The header's own length: where the elements begin.</param>
internal sealed record ArrayHeader(string Kind, string Name, ImmutableArray<int> Dimensions, int ElementBytes, int Bytes)
{
    /// <summary>The most dimensions that are read.</summary>
    public const int MaximumDimensions = 8;

    // Counting stops here, far beyond what a file can hold, so that a product with one more dimension cannot overflow.
    private const long MostElements = 1L << 42;

    /// <summary>The array for messages, as the subject of a sentence.</summary>
    public string Subject => SubjectOf(Kind, Name);

    private long ContentBytes => ElementBytes * Dimensions.Aggregate(1L, (product, dimension) => product > MostElements / dimension ? MostElements : product * dimension);

    /// <summary>An array for messages, as the subject of a sentence: <c>The IDX file 'FILE'</c>.</summary>
    public static string SubjectOf(string kind, string name) => $"The {kind} '{name}'";

    /// <summary>Reads the elements of a file whose header was read.</summary>
    /// <param name="file">The file.</param>
    /// <param name="mapFrom">The size from which the elements of an unpacked file are left there, to be mapped; null for never.</param>
    /// <returns>The elements; null where they are left.</returns>
    /// <exception cref="DistNetException">Their length is not what the header says.</exception>
    public byte[]? ReadElements(DataFile file, long? mapFrom)
    {
        long most = file.MaximumContentBytes - Bytes;
        if (!file.IsGzip && most != ContentBytes)
        {
            throw WrongLength(DataFile.Shown(most));
        }

        return !file.IsGzip && file.FileBytes >= mapFrom ? null : ReadElements(file.Content, most);
    }

    /// <summary>Reads the elements of a stream whose header was read.</summary>
    /// <param name="content">The stream.</param>
    /// <param name="mostBytes">The most bytes that are left in it.</param>
    /// <exception cref="DistNetException">Their length is not what the header says.</exception>
    public byte[] ReadElements(Stream content, long mostBytes)
    {
        if (ContentBytes > mostBytes)
        {
            throw WrongLength($"at most {DataFile.Shown(mostBytes)}");
        }

        if (ContentBytes > Array.MaxLength)
        {
            throw DistNetException.BadInput(
                $"{Subject} has {DataFile.Shown(ContentBytes)} bytes of elements; expected at most {DataFile.Shown(Array.MaxLength)}, or an unpacked file of unsigned bytes (idx, npy) or of f4 (npy).");
        }

        byte[] elements = GC.AllocateUninitializedArray<byte>((int)ContentBytes);
        int read = content.ReadAtLeast(elements, elements.Length, throwOnEndOfStream: false);
        if (read < elements.Length)
        {
            throw WrongLength($"only {DataFile.Shown(read)}");
        }

        // Reading on to the end is also what verifies a packed file's last checksum.
        return content.ReadByte() < 0 ? elements : throw WrongLength("more");
    }

    private DistNetException WrongLength(string found)
    {
        string size = ContentBytes >= MostElements ? $"over {DataFile.Shown(MostElements - 1)}" : DataFile.Shown(ContentBytes);
        return DistNetException.BadInput($"{Subject} has the wrong length: its header [{string.Join(", ", Dimensions)}] promises {size} bytes of elements, found {found}.");
    }
}
