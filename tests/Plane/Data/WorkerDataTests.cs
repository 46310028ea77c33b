using System.Collections.Immutable;
using System.Text;
using DistNet.Coordinator.Data;
using DistNet.Data;
using DistNet.Tests.Data;
using DistNet.Training;
using DistNet.Worker.Data;
using Xunit;

namespace DistNet.Plane.Tests.Data;

/// <summary>Every way in which a worker comes by the run's data, and those in which it must not.</summary>
public sealed class WorkerDataTests : IDisposable
{
    private readonly DataBed bed = new();

    public void Dispose() => bed.Dispose();

    [Fact]
    public async Task A_copy_in_the_data_folder_is_used_by_the_jobs_name_and_by_its_last_part()
    {
        foreach (string place in new[] { "own/sets/train.csv", "other/train.csv" })
        {
            bed.Place(place, DataBed.Csv(1));
            DataBed.Worker worker = bed.NewWorker(place.Split('/')[0]);
            LoadedData data = await worker.Prepare(bed.Elsewhere());
            bed.AssertSame(data);
            Assert.Empty(worker.Told);
            Assert.Empty(worker.Warned);
            Assert.Equal(0, worker.Fetcher.Fetches);
        }
    }

    [Fact]
    public async Task The_coordinators_own_path_is_used_where_it_leads_to_the_same_bytes()
    {
        DataBed.Worker worker = bed.NewWorker();
        bed.AssertSame(await worker.Prepare(await bed.Description()));
        Assert.Equal(0, worker.Fetcher.Fetches);
        Assert.False(Directory.Exists(worker.Cache));
    }

    [Fact]
    public async Task Other_bytes_at_the_coordinators_path_are_no_copy()
    {
        DataBed.Worker worker = bed.NewWorker();
        DataDescription described = await bed.Description();
        DataDescription moved = described with { Files = [.. described.Files.Select(file => file with { PathHint = bed.Place("elsewhere.csv", DataBed.Csv(2)) })] };
        bed.AssertSame(await worker.Prepare(moved));
        Assert.Equal(1, worker.Fetcher.Fetches);
    }

    [Fact]
    public async Task A_folder_of_images_is_fetched_as_one_file_of_decoded_bytes_unless_the_worker_has_one_that_gives_the_same()
    {
        (string, byte[])[] images = [.. Enumerable.Range(0, 8).Select(i => ($"{"ab"[i % 2]}/{i}.png", Png((byte)(i * 30))))];
        bed.ServeImages(images);
        DataBed.Worker first = bed.NewWorker();
        LoadedData fetched = await first.Prepare(await bed.Description());
        bed.AssertSame(fetched);
        Assert.Equal(["a", "b"], fetched.ClassNames);
        Assert.Equal(1, first.Fetcher.Fetches);
        Assert.Contains("fetched the data file 'pictures'", Assert.Single(first.Told), StringComparison.Ordinal);
        Assert.Equal(0, (await Used(bed.NewWorker())).Fetcher.Fetches);

        foreach ((string name, byte[] bytes) in images)
        {
            bed.Place($"own/sets/pictures/{name}", bytes);
        }

        Directory.Delete(first.Cache, recursive: true);
        DataBed.Worker owner = await Used(bed.NewWorker("own"));
        Assert.Equal(0, owner.Fetcher.Fetches);
        Assert.Empty(owner.Warned);

        bed.Place("own/sets/pictures/a/0.png", Png(255));
        DataBed.Worker other = await Used(bed.NewWorker("own"));
        Assert.Equal(1, other.Fetcher.Fetches);
        Assert.Contains("of the job's data is not used", Assert.Single(other.Warned), StringComparison.Ordinal);

        async Task<DataBed.Worker> Used(DataBed.Worker worker)
        {
            bed.AssertSame(await worker.Prepare(await bed.Description()));
            return worker;
        }
    }

    [Fact]
    public async Task A_worker_without_a_copy_fetches_once_and_finds_the_file_in_its_cache_afterwards()
    {
        DataBed.Worker first = bed.NewWorker();
        bed.AssertSame(await first.Prepare(bed.Elsewhere()));
        Assert.Equal(1, first.Fetcher.Fetches);
        Assert.Contains("fetched the data file 'train.csv'", Assert.Single(first.Told), StringComparison.Ordinal);
        Assert.Equal(bed.File.Sha256, Assert.Single(Directory.GetFiles(first.Cache), file => !file.EndsWith(".lock", StringComparison.Ordinal)).Split('/', '\\')[^1]);

        DataBed.Worker second = bed.NewWorker();
        bed.AssertSame(await second.Prepare(bed.Elsewhere()));
        Assert.Equal(0, second.Fetcher.Fetches);
        Assert.Empty(second.Told);
    }

    [Fact]
    public async Task A_worker_whose_cached_file_was_lost_or_damaged_fetches_it_again()
    {
        DataBed.Worker worker = bed.NewWorker();
        await worker.Prepare(bed.Elsewhere());
        string cached = Path.Combine(worker.Cache, bed.File.Sha256);
        File.Delete(cached);
        bed.AssertSame(await bed.NewWorker().Prepare(bed.Elsewhere()));
        Assert.True(File.Exists(cached));

        byte[] bytes = await File.ReadAllBytesAsync(cached);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(cached, bytes);
        DataBed.Worker after = bed.NewWorker();
        bed.AssertSame(await after.Prepare(bed.Elsewhere()));
        Assert.Equal(1, after.Fetcher.Fetches);
    }

    [Fact]
    public async Task Loaded_data_are_kept_over_sessions_while_the_content_is_the_same()
    {
        DataBed.Worker worker = bed.NewWorker();
        LoadedData first = await worker.Prepare(bed.Elsewhere());
        Directory.Delete(worker.Cache, recursive: true);
        Assert.Same(first, await worker.Prepare(bed.Elsewhere()));
        Assert.Equal(1, worker.Fetcher.Fetches);
        Assert.NotSame(first, await worker.Prepare(bed.Elsewhere(), bed.Job with { Training = bed.Job.Training with { Seed = 9 } }));
        Assert.Equal(2, worker.Fetcher.Fetches);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_raw_and_a_packed_copy_of_one_content_are_the_same_data(bool workersIsPacked)
    {
        byte[] raw = DataBed.Csv(1);
        bed.Serve(workersIsPacked ? raw : DataBed.Gzip(raw));
        bed.Place("own/train.csv", workersIsPacked ? DataBed.Gzip(raw) : raw);
        DataBed.Worker worker = bed.NewWorker("own");
        bed.AssertSame(await worker.Prepare(bed.Elsewhere()));
        Assert.Equal(0, worker.Fetcher.Fetches);
        Assert.Empty(worker.Warned);
    }

    [Fact]
    public async Task A_wrong_copy_is_refused_by_name_and_the_coordinators_file_is_trained_on()
    {
        string copy = bed.Place("own/train.csv", DataBed.Csv(2));
        DataBed.Worker worker = bed.NewWorker("own");
        bed.AssertSame(await worker.Prepare(bed.Elsewhere()));
        Assert.Equal(1, worker.Fetcher.Fetches);
        string refusal = Assert.Single(worker.Warned);
        Assert.Contains($"'{copy}'", refusal, StringComparison.Ordinal);
        Assert.Contains(bed.Fingerprint[..12], refusal, StringComparison.Ordinal);
        Assert.Contains(bed.FingerprintOf(DataBed.Csv(2))[..12], refusal, StringComparison.Ordinal);
        Assert.EndsWith(".", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_copy_is_refused_by_name_also_where_the_coordinators_file_is_at_hand()
    {
        bed.Place("own/train.csv", DataBed.Csv(2));
        DataBed.Worker worker = bed.NewWorker("own");
        bed.AssertSame(await worker.Prepare(await bed.Description()));
        Assert.Single(worker.Warned);
        Assert.Equal(0, worker.Fetcher.Fetches);
    }

    [Fact]
    public async Task A_damaged_copy_is_refused_with_what_is_wrong_with_it()
    {
        string copy = bed.Place("own/train.csv", Encoding.UTF8.GetBytes("1,2\nx,y,z\n"));
        DataBed.Worker worker = bed.NewWorker("own");
        bed.AssertSame(await worker.Prepare(bed.Elsewhere()));
        Assert.Contains($"'{copy}'", Assert.Single(worker.Warned), StringComparison.Ordinal);
        Assert.Contains("line", Assert.Single(worker.Warned), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_right_copy_is_found_beside_a_wrong_one()
    {
        bed.Place("own/sets/train.csv", DataBed.Csv(2));
        bed.Place("own/train.csv", DataBed.Csv(1));
        DataBed.Worker worker = bed.NewWorker("own");
        bed.AssertSame(await worker.Prepare(bed.Elsewhere()));
        Assert.Equal(0, worker.Fetcher.Fetches);
    }

    [Fact]
    public async Task A_job_of_several_files_takes_each_from_where_it_is()
    {
        bed.ServeWithTest(DataBed.Csv(1), DataBed.Csv(3));
        bed.Place("own/test.csv", DataBed.Csv(3));
        DataBed.Worker worker = bed.NewWorker("own");
        LoadedData data = await worker.Prepare(bed.Elsewhere());
        bed.AssertSame(data);
        Assert.NotNull(data.Test);
        Assert.Equal(1, worker.Fetcher.Fetches);
    }

    [Fact]
    public async Task Columns_with_rules_become_what_they_became_at_the_coordinator()
    {
        const string Table = "id,area,district,y\n";
        string Rows(string first) => Table + string.Concat(Enumerable.Range(0, 40).Select(i => $"r{i},{(i % 6 == 0 ? "NA" : $"{i % 9}.5")},{(i % 3 == 0 ? first : i % 3 == 1 ? "b" : "")},{i % 2}\n"));
        ColumnRules rules = new(
            [("area", new ColumnRule { Missing = ColumnRule.Mean }), ("district", new ColumnRule { Categories = CategoryEncoding.OneHot, Missing = "none" })], ["id"]);
        bed.Serve(Encoding.UTF8.GetBytes(Rows("a")), rules);
        DataBed.Worker fetching = bed.NewWorker();
        LoadedData fetched = await fetching.Prepare(bed.Elsewhere());
        bed.AssertSame(fetched);
        Assert.Equal(["a", "b", "none"], fetched.Columns[1].Categories);
        Assert.Equal(1, fetching.Fetcher.Fetches);

        // Another name of a category gives the same features and is other data all the same.
        bed.Place("own/sets/train.csv", Encoding.UTF8.GetBytes(Rows("aa")));
        DataBed.Worker renaming = bed.NewWorker("own");
        bed.AssertSame(await renaming.Prepare(bed.Elsewhere()));
        Assert.Contains("of the job's data is not used", Assert.Single(renaming.Warned), StringComparison.Ordinal);

        bed.Place("own/sets/train.csv", DataBed.Gzip(Encoding.UTF8.GetBytes(Rows("a"))));
        DataBed.Worker owner = bed.NewWorker("own");
        bed.AssertSame(await owner.Prepare(bed.Elsewhere()));
        Assert.Empty(owner.Warned);
        Assert.Equal(0, owner.Fetcher.Fetches);
    }

    [Fact]
    public async Task The_normalisation_is_the_coordinators()
    {
        DataDescription described = bed.Elsewhere();
        DataDescription other = described with { Normalization = described.Normalization! with { Mean = [.. described.Normalization.Mean.Select(value => value + 1)] } };
        LoadedData data = await bed.NewWorker().Prepare(other);
        Assert.Equal(other.Normalization, data.Normalization);
    }

    [Fact]
    public async Task A_description_with_impossible_values_is_refused_and_touches_no_file()
    {
        DataDescription good = bed.Elsewhere();
        DataFileInfo file = good.Files[0];
        (DataDescription, string)[] wrong =
        [
            (With(file with { Sha256 = "../../../../tmp/x" }), "64"),
            (With(file with { Sha256 = file.Sha256.ToUpperInvariant() }), "64"),
            (With(file with { Bytes = 0 }), "size"),
            (With(file with { Bytes = (1L << 40) + 1 }), "size"),
            (With(file with { Name = "../train.csv" }), "name"),
            (With(file with { Name = "a\nb" }), "name"),
            (With(file with { PathHint = new string('x', 5000) }), "path"),
            (With(file with { Key = "data.other" }), "data.train"),
            (good with { Files = [] }, "data.train"),
            (good with { Files = [file, file] }, "data.train"),
            (good with { Fingerprint = "" }, "fingerprint"),
        ];
        DataBed.Worker worker = bed.NewWorker();
        foreach ((DataDescription description, string word) in wrong)
        {
            DistNetException refusal = await Assert.ThrowsAsync<DistNetException>(() => worker.Prepare(description));
            Assert.Contains(word, refusal.Message, StringComparison.Ordinal);
            Assert.Equal(0, worker.Fetcher.Fetches);
            Assert.False(Directory.Exists(worker.Cache));
        }

        foreach (NormalizationStatistics? statistics in new[]
        {
            null,
            good.Normalization! with { Mean = [] },
            good.Normalization with { Mode = NormalizeMode.Channel },
            good.Normalization with { Mean = [.. good.Normalization.Mean.Select(_ => float.NaN)] },
            good.Normalization with { Deviation = [.. good.Normalization.Deviation.Select(_ => -1f)] },
        })
        {
            DistNetException refusal = await Assert.ThrowsAsync<DistNetException>(() => bed.NewWorker().Prepare(good with { Normalization = statistics }));
            Assert.Contains("normalisation", refusal.Message, StringComparison.Ordinal);
        }

        DataDescription With(DataFileInfo changed) => good with { Files = [changed] };
    }

    [Fact]
    public async Task A_name_that_leads_out_of_the_data_folder_finds_nothing_there()
    {
        bed.Place("secret.csv", DataBed.Csv(1));
        bed.Place("own/empty.csv", [0]);
        DataBed.Worker worker = bed.NewWorker("own");
        bed.AssertSame(await worker.Prepare(bed.Elsewhere(), bed.Job with { Data = bed.Job.Data! with { Train = new DataFiles("../secret.csv") } }));
        Assert.Equal(1, worker.Fetcher.Fetches);
    }

    [Fact]
    public async Task Data_that_are_not_the_coordinators_though_their_bytes_are_end_in_a_sentence()
    {
        string other = bed.FingerprintOf(DataBed.Csv(2));
        DistNetException refusal = await Assert.ThrowsAsync<DistNetException>(() => bed.NewWorker().Prepare(bed.Elsewhere() with { Fingerprint = other }));
        Assert.Contains(other[..12], refusal.Message, StringComparison.Ordinal);
        Assert.Contains(bed.Fingerprint[..12], refusal.Message, StringComparison.Ordinal);
    }

    // Two by two grey pixels of one value.
    private static byte[] Png(byte value) => PngFile.Grey(2, 2, (_, _) => value);
}
