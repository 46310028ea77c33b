using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace DistNet.Protocol.SharedMemory;

/// <summary>The answers of a session, beside the gradients that they announce: a ring of bytes that the worker writes and the coordinator reads, without a lock and without a system call.</summary>
/// <remarks>The header: bytes read so far at 0, bytes written so far at 64; both only grow. The ring begins at 4096; a message is its length in four bytes, little-endian, and its bytes, and may go on at the ring's beginning.
/// One end trusts nothing that the other writes: what cannot be is an <see cref="IOException"/>.</remarks>
/// <param name="mapping">The memory.</param>
/// <param name="offset">Where in it; a multiple of 4096.</param>
public sealed class SharedAnswers(SharedMapping mapping, long offset)
{
    /// <summary>Bytes that they take: for two of the largest messages, or hundreds of the usual ones.</summary>
    public const int Bytes = Page + RingBytes;

    private const int Page = 4096;
    private const int RingBytes = 16 * Page;
    private const int WrittenOffset = 64;
    private const int LengthBytes = sizeof(int);

    // Each end's own count: the other's word is only read.
    private long done;

    /// <summary>The worker: writes a message.</summary>
    /// <returns>False: there is no room until the coordinator has read more.</returns>
    /// <exception cref="IOException">The other end's count cannot be.</exception>
    public bool TryWrite(ReadOnlySpan<byte> message)
    {
        Invariant.Holds(message.Length is > 0 and <= ControlLimits.MessageBytes);
        long unread = done - Volatile.Read(ref mapping.Word(offset));
        if (unread is < 0 or > RingBytes)
        {
            throw new IOException("its count of answers cannot be");
        }

        if (unread + LengthBytes + message.Length > RingBytes)
        {
            return false;
        }

        int length = message.Length;
        Copy(MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(ref length, 1)), done);
        Copy(message, done + LengthBytes);
        done += LengthBytes + length;
        Volatile.Write(ref mapping.Word(offset + WrittenOffset), done);
        return true;
    }

    /// <summary>The coordinator: reads the next message.</summary>
    /// <returns>False: there is none.</returns>
    /// <exception cref="IOException">What stands there is none.</exception>
    public bool TryRead([NotNullWhen(true)] out byte[]? message)
    {
        message = null;
        long unread = Volatile.Read(ref mapping.Word(offset + WrittenOffset)) - done;
        if (unread == 0)
        {
            return false;
        }

        int length = 0;
        if (unread is > LengthBytes and <= RingBytes)
        {
            CopyTo(MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref length, 1)), done);
        }

        if (length is <= 0 or > ControlLimits.MessageBytes || length > unread - LengthBytes)
        {
            throw new IOException("its answers are none");
        }

        message = new byte[length];
        CopyTo(message, done + LengthBytes);
        done += LengthBytes + length;
        Volatile.Write(ref mapping.Word(offset), done);
        return true;
    }

    private Span<byte> Ring => mapping.Memory<byte>(offset + Page, RingBytes).Span;

    private void Copy(ReadOnlySpan<byte> bytes, long position)
    {
        int start = (int)(position % RingBytes);
        int first = Math.Min(bytes.Length, RingBytes - start);
        bytes[..first].CopyTo(Ring[start..]);
        bytes[first..].CopyTo(Ring);
    }

    private void CopyTo(Span<byte> bytes, long position)
    {
        int start = (int)(position % RingBytes);
        int first = Math.Min(bytes.Length, RingBytes - start);
        Ring.Slice(start, first).CopyTo(bytes);
        Ring[..(bytes.Length - first)].CopyTo(bytes[first..]);
    }
}
