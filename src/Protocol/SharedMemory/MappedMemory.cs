using System.Buffers;

namespace DistNet.Protocol.SharedMemory;

/// <summary>A part of a mapping as memory that can be kept. It keeps the mapping reachable; taken after the mapping was given up it throws, so that
/// nobody touches memory that is no longer there.</summary>
internal sealed unsafe class MappedMemory<T>(SharedMapping mapping, long offset, int length) : MemoryManager<T>
    where T : unmanaged
{
    public override Span<T> GetSpan() => new(mapping.Address(offset, (long)length * sizeof(T)), length);

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, length);
        return new MemoryHandle((T*)mapping.Address(offset, (long)length * sizeof(T)) + elementIndex, pinnable: this);
    }

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
