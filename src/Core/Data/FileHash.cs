using System.Security.Cryptography;

namespace DistNet.Data;

/// <summary>SHA-256 of a file's bytes, streaming.</summary>
public static class FileHash
{
    private const int BlockBytes = 1 << 18;

    /// <summary>Reads a stream from where it stands to its end.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="hash">Takes the bytes.</param>
    /// <param name="cancellationToken">Asked before each block.</param>
    /// <returns>The bytes read.</returns>
    public static long Append(Stream stream, IncrementalHash hash, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(hash);
        byte[] block = new byte[BlockBytes];
        long total = 0;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = stream.Read(block);
            if (count == 0)
            {
                return total;
            }

            hash.AppendData(block, 0, count);
            total += count;
        }
    }

    /// <summary>The hash of a whole file, in lower-case hexadecimal.</summary>
    /// <param name="stream">The file, at its start.</param>
    /// <param name="cancellationToken">Asked before each block.</param>
    public static string Of(Stream stream, CancellationToken cancellationToken)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(stream, hash, cancellationToken);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
