using System.Runtime.CompilerServices;
using DistNet.Worker.Data;

namespace DistNet.Plane.Tests.Data;

/// <summary>A connection to the coordinator that can break, lie and stand still.</summary>
internal sealed class TestFetcher(DataBed bed) : IDataFetcher
{
    private int fetches;

    /// <summary>How often bytes were asked for.</summary>
    public int Fetches => Volatile.Read(ref fetches);

    /// <summary>Offsets asked for, in order.</summary>
    public List<long> Offsets { get; } = [];

    /// <summary>Bytes after which the next stream breaks.</summary>
    public Queue<int> Breaks { get; } = new();

    /// <summary>Bytes of a piece.</summary>
    public int PieceBytes { get; init; } = 97;

    /// <summary>What is done to the bytes before they are sent.</summary>
    public Func<byte[], byte[]> Lie { get; init; } = bytes => bytes;

    /// <summary>Awaited before each piece.</summary>
    public Func<CancellationToken, Task> Pause { get; init; } = _ => Task.CompletedTask;

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> FetchAsync(string sha256, long offset, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref fetches);
        lock (Offsets)
        {
            Offsets.Add(offset);
        }

        using MemoryStream all = new();
        await using (Stream stream = await bed.Files.OpenAsync(sha256, offset))
        {
            await stream.CopyToAsync(all, cancellationToken);
        }

        byte[] bytes = Lie(all.ToArray());
        int limit = Breaks.TryDequeue(out int after) ? after : int.MaxValue;
        for (int sent = 0; sent < bytes.Length;)
        {
            await Pause(cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            if (sent >= limit)
            {
                throw new IOException("the connection broke");
            }

            int count = Math.Min(PieceBytes, Math.Min(bytes.Length, limit) - sent);
            yield return bytes.AsMemory(sent, count);
            sent += count;
        }
    }
}
