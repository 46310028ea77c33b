using CsCheck;
using DistNet.Data;
using DistNet.Worker.Data;
using Xunit;

namespace DistNet.Plane.Tests.Data;

/// <summary>Fetching into the cache: broken off, resumed, lied to, and by several at once.</summary>
public sealed class FetchTests : IDisposable
{
    private static readonly TimeSpan Forever = TimeSpan.FromMinutes(5);
    private readonly DataBed bed = new();
    private readonly DataFileInfo file;

    public FetchTests()
    {
        bed.Serve(DataBed.Csv(1, samples: 2000));
        file = bed.File;
    }

    private string Folder => bed.PathOf("cache");

    private string Partial => Path.Combine(Folder, file.Sha256 + ".partial");

    public void Dispose() => bed.Dispose();

    [Fact]
    public void A_fetch_broken_off_anywhere_goes_on_from_there() => Gen.Select(Gen.Int[0, (int)file.Bytes].Array[1, 4], Gen.Int[1, 5000]).Sample(
        (breaks, piece) =>
        {
            DeleteCache();
            TestFetcher fetcher = new(bed) { PieceBytes = piece };
            long expected = 0;
            List<long> offsets = [];
            foreach (int bytes in breaks)
            {
                if (expected + bytes < file.Bytes)
                {
                    fetcher.Breaks.Enqueue(bytes);
                    Assert.Throws<IOException>(() => Fetch(fetcher));
                    offsets.Add(expected);
                    expected += bytes;
                    Assert.Equal(expected, new FileInfo(Partial).Length);
                }
            }

            AssertWhole(Fetch(fetcher));
            Assert.Equal([.. offsets, expected], fetcher.Offsets);
            Assert.False(File.Exists(Partial));
        },
        iter: 60,
        threads: 1);

    [Fact]
    public void A_damaged_part_is_found_out_and_fetched_anew() => Gen.Select(Gen.Int[1, (int)file.Bytes], Gen.Int[0, (int)file.Bytes - 1], Gen.Byte[1, 255]).Sample(
        (length, place, change) =>
        {
            DeleteCache();
            byte[] part = Content()[..length];
            part[place % length] ^= change;
            bed.Place(Path.Combine("cache", Path.GetFileName(Partial)), part);
            TestFetcher fetcher = new(bed) { PieceBytes = 4096 };
            AssertWhole(Fetch(fetcher));
            Assert.Equal(0, fetcher.Offsets[^1]);
        },
        iter: 30,
        threads: 1);

    [Fact]
    public void A_whole_part_is_taken_without_a_fetch_and_a_longer_one_is_fetched_anew()
    {
        TestFetcher fetcher = new(bed) { PieceBytes = 4096 };
        bed.Place(Path.Combine("cache", Path.GetFileName(Partial)), Content());
        AssertWhole(Fetch(fetcher));
        Assert.Equal(0, fetcher.Fetches);

        DeleteCache();
        bed.Place(Path.Combine("cache", Path.GetFileName(Partial)), [.. Content(), 1]);
        AssertWhole(Fetch(fetcher));
        Assert.Equal([0L], fetcher.Offsets);
    }

    [Fact]
    public void A_server_that_sends_other_bytes_more_or_fewer_is_never_believed()
    {
        (Func<byte[], byte[]> Lie, string Word)[] lies =
        [
            (bytes => { bytes[^1] ^= 1; return bytes; }, "SHA-256"),
            (bytes => [.. bytes, 0], "more"),
            (bytes => bytes[..^1], "ended after"),
            (_ => [], "ended after"),
        ];
        foreach ((Func<byte[], byte[]> lie, string word) in lies)
        {
            DeleteCache();
            DistNetException refusal = Assert.Throws<DistNetException>(() => Fetch(new TestFetcher(bed) { Lie = lie }));
            Assert.Contains(word, refusal.Message, StringComparison.Ordinal);
            Assert.Contains("'train.csv'", refusal.Message, StringComparison.Ordinal);
            Assert.False(File.Exists(Path.Combine(Folder, file.Sha256)));
            AssertWhole(Fetch(new TestFetcher(bed)));
        }
    }

    [Fact]
    public async Task Workers_of_one_machine_that_need_a_file_at_once_fetch_it_once()
    {
        TestFetcher fetcher = new(bed) { PieceBytes = 1024, Pause = async _ => await Task.Yield() };
        string[] paths = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => OwnThread(() => Fetch(fetcher))));
        Assert.All(paths, AssertWhole);
        Assert.Equal(1, fetcher.Fetches);
    }

    [Fact]
    public async Task A_stopped_fetch_of_another_process_is_not_waited_for_for_ever()
    {
        TaskCompletionSource goOn = new();
        TaskCompletionSource asked = new();
        TestFetcher stopped = new(bed) { Pause = _ => { asked.TrySetResult(); return goOn.Task; } };
        Task<string> first = OwnThread(() => Fetch(stopped));
        await asked.Task;
        AssertWhole(new DataCache(Folder, TimeSpan.FromMilliseconds(50)).Fetch(file, new TestFetcher(bed), TestContext.Current.CancellationToken));
        goOn.SetResult();
        AssertWhole(await first);
        Assert.Empty(Directory.GetFiles(Folder, "*.partial"));
    }

    [Fact]
    public async Task A_fetch_that_is_given_up_leaves_its_part()
    {
        using CancellationTokenSource giveUp = new();
        TestFetcher fetcher = new(bed);
        int pieces = 0;
        TestFetcher cancelled = new(bed) { PieceBytes = 100, Pause = _ => ++pieces == 4 ? giveUp.CancelAsync() : Task.CompletedTask };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => OwnThread(() => new DataCache(Folder, Forever).Fetch(file, cancelled, giveUp.Token)));
        Assert.Equal(300, new FileInfo(Partial).Length);
        AssertWhole(Fetch(fetcher));
        Assert.Equal([300L], fetcher.Offsets);
    }

    [Fact]
    public void A_cache_folder_that_takes_no_file_is_named_in_the_sentence()
    {
        string blocked = bed.Place("blocked", [1]);
        DistNetException refusal = Assert.Throws<DistNetException>(() => new DataCache(Path.Combine(blocked, "x"), Forever).Fetch(file, new TestFetcher(bed), default));
        Assert.Contains(blocked, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("--cache", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_larger_than_the_disk_is_refused_before_a_byte_is_fetched()
    {
        TestFetcher fetcher = new(bed);
        DistNetException refusal = Assert.Throws<DistNetException>(() => new DataCache(Folder, Forever).Fetch(file with { Bytes = 1L << 60 }, fetcher, default));
        Assert.Contains("free", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, fetcher.Fetches);
    }

    [Fact]
    public async Task The_coordinator_serves_its_files_and_nothing_else()
    {
        foreach (string hash in new[] { "", "/etc/passwd", file.PathHint, new string('0', 64) })
        {
            await Assert.ThrowsAsync<DistNetException>(() => bed.Files.OpenAsync(hash, 0));
        }

        foreach (long offset in new[] { -1, long.MinValue, file.Bytes + 1, long.MaxValue })
        {
            await Assert.ThrowsAsync<DistNetException>(() => bed.Files.OpenAsync(file.Sha256, offset));
        }

        await using Stream end = await bed.Files.OpenAsync(file.Sha256, file.Bytes);
        Assert.Equal(-1, end.ReadByte());
    }

    [Fact]
    public async Task A_file_that_changed_or_is_gone_is_not_served()
    {
        string path = (await bed.Description()).Files[0].PathHint;
        byte[] changed = Content();
        changed[0] ^= 1;
        await File.WriteAllBytesAsync(path, changed);
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddSeconds(2));
        DistNetException refusal = await Assert.ThrowsAsync<DistNetException>(() => bed.Files.OpenAsync(file.Sha256, 0));
        Assert.Contains("has changed", refusal.Message, StringComparison.Ordinal);
        File.Delete(path);
        refusal = await Assert.ThrowsAsync<DistNetException>(() => bed.Files.OpenAsync(file.Sha256, 0));
        Assert.Contains("no longer", refusal.Message, StringComparison.Ordinal);
    }

    private static Task<T> OwnThread<T>(Func<T> work) => DistNet.Protocol.OwnThread.Run("test", work);

    private static byte[] Content() => DataBed.Csv(1, samples: 2000);

    private string Fetch(IDataFetcher fetcher) => new DataCache(Folder, Forever).Fetch(file, fetcher, TestContext.Current.CancellationToken);

    private void AssertWhole(string path)
    {
        Assert.Equal(Path.Combine(Folder, file.Sha256), path);
        Assert.Equal(Content(), File.ReadAllBytes(path));
    }

    private void DeleteCache()
    {
        if (Directory.Exists(Folder))
        {
            Directory.Delete(Folder, recursive: true);
        }
    }
}
