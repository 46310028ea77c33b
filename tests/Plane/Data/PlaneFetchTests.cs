using System.Runtime.CompilerServices;
using DistNet.Plane.Tests.Grpc;
using DistNet.Protocol;
using DistNet.Worker.Data;
using DistNet.Worker.Plane;
using Xunit;

namespace DistNet.Plane.Tests.Data;

/// <summary>A worker without the data over the real plane, whose session ends in the midst of a file.</summary>
public sealed class PlaneFetchTests
{
    [Fact]
    public async Task A_file_whose_fetch_ended_with_the_session_is_gone_on_with_in_the_next_one()
    {
        using var data = new DataBed();
        byte[] file = DataBed.Csv(1, samples: 120_000);
        data.Serve(file);
        await using PlaneBed bed = await PlaneBed.StartAsync(file: file);
        DataBed.Worker worker = data.NewWorker();
        TestWorker first = await bed.WorkerAsync();
        using CancellationTokenSource over = new();
        var ended = new WatchedFetcher(new PlaneDataFetcher(first.Client, first.Id), pieces => pieces == 2 ? over.CancelAsync() : Task.CompletedTask);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => worker.Prepare(data.Elsewhere(), fetcher: ended, over: over.Token));
        string partial = Assert.Single(Directory.GetFiles(worker.Cache, "*.partial"));
        long length = new FileInfo(partial).Length;
        Assert.InRange(length, WireLimits.ChunkBytes, file.Length - 1);

        TestWorker second = await bed.WorkerAsync("w2");
        var resumed = new WatchedFetcher(new PlaneDataFetcher(second.Client, second.Id), _ => Task.CompletedTask);
        data.AssertSame(await worker.Prepare(data.Elsewhere(), fetcher: resumed));
        Assert.Equal(length, Assert.Single(resumed.Offsets));
        Assert.Equal(file, await File.ReadAllBytesAsync(Path.Combine(worker.Cache, data.File.Sha256), TestContext.Current.CancellationToken));
    }

    // Does something before a piece is handed out.
    private sealed class WatchedFetcher(IDataFetcher inner, Func<int, Task> before) : IDataFetcher
    {
        public List<long> Offsets { get; } = [];

        public async IAsyncEnumerable<ReadOnlyMemory<byte>> FetchAsync(string sha256, long offset, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            Offsets.Add(offset);
            int pieces = 0;
            await foreach (ReadOnlyMemory<byte> piece in inner.FetchAsync(sha256, offset, cancellationToken))
            {
                await before(++pieces);
                yield return piece;
            }
        }
    }
}
